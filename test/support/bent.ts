/** JSON with something odd in it, by a chance that is the same in every run. */
import { GatewayError } from "../../src/core/errors.ts";
import type { Json, JsonObject } from "../../src/core/json.ts";

/** Numbers in [0, 1) that follow from the seed (mulberry32). */
export function chance(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const ODD: readonly Json[] = [
  null,
  0,
  -1,
  1.5,
  "",
  "text",
  true,
  [],
  {},
  [null],
  [{}],
  [1],
  { type: null },
  { type: "text" },
  "data:,",
  "s3://",
  "{",
  { toolUse: {} },
  { text: 1 },
];

/** The value with one or two of its members, at any depth, replaced by something odd or gone. */
export function bent(value: Json, random: () => number): Json {
  const copy = structuredClone(value);
  const places: [holder: JsonObject, key: string][] = [];
  const walk = (at: Json) => {
    if (typeof at !== "object" || at === null) return;
    for (const key of Object.keys(at)) {
      places.push([at as JsonObject, key]);
      walk((at as JsonObject)[key] as Json);
    }
  };
  walk(copy);
  for (let times = 1 + Math.floor(random() * 2); times > 0; times--) {
    const [holder, key] = places[Math.floor(random() * places.length)]!;
    if (random() < 0.15) delete holder[key];
    else holder[key] = structuredClone(ODD[Math.floor(random() * ODD.length)]!);
  }
  return copy;
}

/** Runs it; whatever it refuses, it refuses as the gateway does. */
export function survives(what: () => void, given: Json): void {
  try {
    what();
  } catch (thrown) {
    if (!(thrown instanceof GatewayError) || thrown.fault.reason === "INTERNAL")
      throw new Error(`${String(thrown)} of ${JSON.stringify(given)}`, { cause: thrown });
  }
}
