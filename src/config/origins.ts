import type { Message } from "@bufbuild/protobuf";
import type { Place } from "./problems.ts";
import type { Node } from "./tree.ts";

/** Where a value came from: for problems that are found after decoding. */
export interface Origin {
  readonly at: Place;
  readonly path: string;
  readonly node: Node;
}

interface Table extends Origin {
  /** By the field's proto name; a key with nothing behind it stands here too. */
  readonly fields: ReadonlyMap<string, Origin>;
}

/** The places of decoded messages and their fields. */
export class Origins {
  private readonly tables = new Map<Message, Table>();

  record(message: Message, table: Table): void {
    this.tables.set(message, table);
  }

  /** Of a message that `decode` made. */
  of(message: Message): Origin {
    const table = this.tables.get(message);
    if (!table) throw new Error(`${message.$typeName} was not decoded from a file`);
    return table;
  }

  /** Of a field by its proto name; `undefined` when the file does not give it. */
  field(message: Message, name: string): Origin | undefined {
    return this.tables.get(message)?.fields.get(name);
  }

  /** Of the field when the file gives it, otherwise the message's place with the field's path: what is missing, and where. */
  spot(message: Message, name: string): Pick<Origin, "at" | "path"> {
    const { at, path } = this.of(message);
    return this.field(message, name) ?? { at, path: path === "" ? name : `${path}.${name}` };
  }
}
