import type { Count } from "./series.ts";

/** How an exchange ended. */
export interface Outcome {
  /** Empty when no protocol took it. */
  readonly protocol: string;
  readonly status: number;
  /** Empty: it did not fail. */
  readonly reason: string;
}

/** The series of one target's outcomes. There are a few: to look at each costs less than to put a key together. */
export class Outcomes {
  private readonly all: (Outcome & { readonly count: Count })[] = [];

  find({ protocol, status, reason }: Outcome): Count | undefined {
    for (const one of this.all) {
      if (one.status === status && one.reason === reason && one.protocol === protocol) return one.count;
    }
    return undefined;
  }

  /** @param outcome Not found before. */
  add(outcome: Outcome, count: Count): Count {
    this.all.push({ ...outcome, count });
    return count;
  }
}
