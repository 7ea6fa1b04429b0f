import type { Target } from "./plan.ts";

/** A target with its share of the calls; 0: it is tried only when others fail. */
export interface Weighed {
  readonly target: Target;
  readonly weight: number;
}

/**
 * Turns calls over the instances of each target: what it returns gives each of them in its target's place, another one first each
 * time. `undefined`: no target has several.
 *
 * @param drawn The order of the targets themselves; absent: as they are listed.
 */
export function turned(
  targets: readonly Target[],
  drawn: (() => readonly Target[]) | undefined,
): (() => readonly Target[]) | undefined {
  if (targets.every(({ more }) => more === undefined)) return drawn;
  let turn = 0;
  return () => {
    const at = turn++;
    return (drawn?.() ?? targets).flatMap((target) => {
      if (target.more === undefined) return target;
      const all = [target, ...target.more];
      const first = at % all.length;
      return [...all.slice(first), ...all.slice(0, first)];
    });
  };
}

/**
 * Spreads calls over targets by weight: what it returns draws for one call, and gives the target that was drawn and then the
 * others in their own order. All orders are made here, so that a call costs one number.
 *
 * @param all At least one weighs more than 0.
 * @param random Uniform in [0, 1).
 */
export function spread(all: readonly Weighed[], random: () => number): () => readonly Target[] {
  const targets = all.map(({ target }) => target);
  const total = all.reduce((sum, { weight }) => sum + weight, 0);
  let below = 0;
  const draws = all
    .filter(({ weight }) => weight > 0)
    .map(({ target, weight }) => {
      below += weight;
      return { below, order: Object.freeze([target, ...targets.filter((other) => other !== target)]) };
    });
  return () => {
    const drawn = random() * total;
    // Rounding may give the total itself.
    return (draws.find((draw) => drawn < draw.below) ?? draws.at(-1)!).order;
  };
}
