import { isObject, type Json, type JsonObject } from "../../core/json.ts";

/** One call, as its pieces name it. */
interface Known {
  readonly id: string;
  readonly place: number;
}

/**
 * Which call of a message a piece of a stream belongs to. `index` says so, but some servers leave it out or give all calls the
 * same one: a piece with a name and another id begins another call. An id alone does not, since some make a new one for each piece.
 */
export class CallPlaces {
  private readonly known = new Map<Json | undefined, Known>();
  private last: Known | undefined = undefined;
  private count = 0;

  /** From 0, in the order in which the calls begin. */
  of(piece: Readonly<JsonObject>): number {
    const { index } = piece;
    const id = typeof piece["id"] === "string" ? piece["id"] : "";
    const before = typeof index === "number" ? this.known.get(index) : this.last;
    if (before !== undefined && (id === "" || id === before.id || !isNamed(piece))) return before.place;
    const made = { id, place: this.count++ };
    if (typeof index === "number") this.known.set(index, made);
    this.last = made;
    return made.place;
  }
}

function isNamed({ function: called, custom }: Readonly<JsonObject>): boolean {
  const { name } = isObject(called) ? called : isObject(custom) ? custom : {};
  return typeof name === "string" && name !== "";
}
