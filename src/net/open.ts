/** A member of an `OpenSet`. */
export interface Placed {
  /** Its index there; the set's own business. */
  place: number;
}

/**
 * What is open at the moment. A `Set` leaves a dead table behind at each growth, which points to what was in it until a full
 * collection; an array in which each member knows its place leaves nothing.
 */
export class OpenSet<Member extends Placed> implements Iterable<Member> {
  private readonly members: Member[] = [];

  get size(): number {
    return this.members.length;
  }

  /** @param member Not in it yet. */
  add(member: Member): void {
    member.place = this.members.push(member) - 1;
  }

  /** @param member In it; what is not is left alone. */
  delete(member: Member): void {
    const { place } = member;
    if (this.members[place] !== member) return;
    const last = this.members.pop()!;
    if (last === member) return;
    this.members[place] = last;
    last.place = place;
  }

  /** Members may go while it is walked over; walk over a copy where one that is not met would matter. */
  [Symbol.iterator](): Iterator<Member> {
    return this.members[Symbol.iterator]();
  }
}
