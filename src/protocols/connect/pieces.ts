import type { Message } from "@bufbuild/protobuf";
import type { Served, Usage } from "../../../gen/polygate/v1/types_pb.js";
import type { Call } from "../../core/call.ts";
import { isObject, type JsonObject } from "../../core/json.ts";
import type { Codec } from "../../dialects/proto/codec.ts";
import type { Pieces } from "./pull.ts";
import { servedOf } from "./served.ts";

/** A message of a stream whose last one says who answered and what it cost. */
export type Piece = Message & { served?: Served | undefined; usage?: Usage | undefined };

/**
 * A stream's events as messages. Usage is kept for the last message, which has no choices: the provider's own last event
 * when it is such a one, else one that is made here.
 */
export function piecesOf<T extends Piece>(codec: Codec<T>): Pieces<T> {
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
      const now = held === undefined ? [codec.fromCommon(json)] : [];
      return before === undefined ? now : [codec.fromCommon(before), ...now];
    },
    last(call: Call) {
      const { id, created, model } = latest;
      const message = codec.fromCommon({ ...(held ?? { id, created, model }), ...(usage && { usage }) });
      message.served = servedOf(call);
      return message;
    },
  };
}
