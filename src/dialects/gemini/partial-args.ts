import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { fields, lists } from "./fields.ts";

/**
 * Arguments of a call that come in pieces, which Vertex AI sends when `streamFunctionCallArguments` asks for it: each says where in
 * the arguments it belongs, and a text may go on in the next.
 *
 * @see https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling#streaming-fc
 */
export class PartialArgs {
  /** What there is so far. */
  args: JsonObject = {};

  add(pieces: Json | undefined): void {
    for (const piece of lists(pieces)) {
      const path = typeof piece["jsonPath"] === "string" ? stepsOf(piece["jsonPath"]) : [];
      if (path.length > 0) this.args = put(this.args, path, valueIn(piece)) as JsonObject;
    }
  }
}

/** Whether a call is told in pieces, or is one of them. */
export function isPartial(call: JsonObject): boolean {
  const { partialArgs, willContinue } = fields(call);
  return Array.isArray(partialArgs) || willContinue === true;
}

function valueIn({ stringValue, numberValue, boolValue }: JsonObject): Json {
  return stringValue ?? numberValue ?? boolValue ?? null;
}

/** Steps of a JSONPath such as `$.a.b[0]['c d']`, which is all that is used of it. */
function stepsOf(path: string): (string | number)[] {
  return [...path.matchAll(/\.([^.[\]]+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]/g)].map(
    ([, name, place, single, double]) => (place === undefined ? (name ?? single ?? double)! : Number(place)),
  );
}

/** The same with a value put in place; a text goes on where one stands. */
function put(at: Json | undefined, [step, ...rest]: readonly (string | number)[], value: Json): Json {
  if (step === undefined) return typeof at === "string" && typeof value === "string" ? at + value : value;
  if (typeof step === "number") {
    const list = Array.isArray(at) ? [...at] : [];
    // A list is filled from its beginning; a place far behind its end is none.
    if (step <= list.length) list[step] = put(list[step], rest, value);
    return list;
  }
  const object = isObject(at) ? at : {};
  const known = Object.hasOwn(object, step) ? object[step] : undefined;
  return Object.fromEntries([
    ...Object.entries(object).filter(([name]) => name !== step),
    [step, put(known, rest, value)],
  ]) as JsonObject;
}
