import type { Message } from "@bufbuild/protobuf";
import type { Served, Usage } from "../../../gen/polygate/v1/types_pb.js";
import type { Call } from "../../core/call.ts";
import { isObject, type JsonObject } from "../../core/json.ts";
import type { Codec } from "../../dialects/proto/codec.ts";
import { servedOf } from "./served.ts";

/** How a stream's events become messages: none, one or more for each, and a last one. */
export interface Pieces<T> {
  next(event: JsonObject): readonly T[];
  last(call: Call): T;
}

/** A message of a stream whose last one says who answered and what it cost. */
export type Piece = Message & { served?: Served | undefined; usage?: Usage | undefined };

/** Makes a message of an object of the common shape; of the last of a stream, or of a whole answer, with `call` as what served it. */
export type Make<T> = (json: JsonObject, call: Call | undefined) => T;

/** By way of the messages. */
export function madeBy<T extends Piece>(codec: Codec<T>): Make<T> {
  return (json, call) => {
    const message = codec.fromCommon(json);
    if (call !== undefined) message.served = servedOf(call);
    return message;
  };
}

/**
 * A stream's events as messages. Usage is kept for the last message, which has no choices: the provider's own last event
 * when it is such a one, else one that is made here.
 */
export function piecesOf<T>(make: Make<T>): Pieces<T> {
  let usage: JsonObject | undefined;
  /** An event without choices, which may be the last. */
  let held: JsonObject | undefined;
  let latest: JsonObject = {};
  return {
    next(event) {
      let json = event;
      latest = event;
      if (isObject(event["usage"])) {
        usage = event["usage"];
        const { usage: _, ...rest } = event;
        json = rest;
      }
      const before = held;
      const { choices } = json;
      held = Array.isArray(choices) && choices.length > 0 ? undefined : json;
      const now = held === undefined ? [make(json, undefined)] : [];
      return before === undefined ? now : [make(before, undefined), ...now];
    },
    last(call: Call) {
      const { id, created, model } = latest;
      return make({ ...(held ?? { id, created, model }), ...(usage && { usage }) } as JsonObject, call);
    },
  };
}
