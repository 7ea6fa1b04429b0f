import type { Json, JsonObject } from "../../core/json.ts";

/** A block, and the place in its turn where it stood; anything but a number: it does not know. */
export interface Placed {
  readonly block: JsonObject;
  readonly at: Json | undefined;
}

/**
 * The blocks of one turn: thoughts, then what was said, then calls, but for those that know their place. The common shape keeps
 * the three apart, and the API wants them back in the order in which they came.
 */
export function inOrder(
  thoughts: readonly Placed[],
  said: readonly JsonObject[],
  calls: readonly Placed[],
): JsonObject[] {
  if (!thoughts.every(isPlaced)) return [...thoughts.map(blockOf), ...said, ...calls.map(blockOf)];
  const blocks = [...said];
  const placed = [...thoughts, ...calls.filter(isPlaced)].sort((a, b) => (a.at as number) - (b.at as number));
  for (const { block, at } of placed) blocks.splice(at as number, 0, block);
  for (const one of calls) if (!isPlaced(one)) blocks.push(one.block);
  return blocks;
}

function isPlaced({ at }: Placed): boolean {
  return typeof at === "number";
}

function blockOf({ block }: Placed): JsonObject {
  return block;
}
