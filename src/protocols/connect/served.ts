import { create } from "@bufbuild/protobuf";
import { type Served, ServedSchema } from "../../../gen/polygate/v1/types_pb.js";
import type { Call } from "../../core/call.ts";
import type { JsonObject } from "../../core/json.ts";

/** Who answered a call, and what of it was not sent as asked. */
export function servedOf({ plan, target, attempt, arrival, adjusted }: Call): Served {
  return create(ServedSchema, {
    route: plan.route,
    provider: target?.provider ?? "",
    model: target?.model ?? "",
    target: target === undefined ? "" : String(target.index),
    attempt,
    requestId: arrival.id,
    dropped: adjusted?.dropped ?? [],
    converted: adjusted?.converted ?? [],
    defaulted: adjusted?.defaulted ?? [],
    revision: BigInt(plan.revision),
  });
}

/** The same in the common shape. */
export function servedJson({ plan, target, attempt, arrival, adjusted }: Call): JsonObject {
  const json: JsonObject = {
    route: plan.route,
    provider: target?.provider ?? "",
    model: target?.model ?? "",
    target: target === undefined ? "" : String(target.index),
    attempt,
    request_id: arrival.id,
    revision: plan.revision,
  };
  if (adjusted !== undefined) {
    json["dropped"] = adjusted.dropped;
    json["converted"] = adjusted.converted;
    json["defaulted"] = adjusted.defaulted;
  }
  return json;
}
