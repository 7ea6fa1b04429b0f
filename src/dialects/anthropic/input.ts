import { isObject, type Json, type JsonObject, parsedObject } from "../../core/json.ts";

/** A call's arguments, JSON in a text or the object itself, as a tool's input, which has to be an object: what a model wrote wrongly stands in one. */
export function inputOf(args: Json | undefined): JsonObject {
  if (isObject(args)) return args;
  if (typeof args !== "string" || args.trim() === "") return {};
  return parsedObject(args) ?? { arguments: args };
}
