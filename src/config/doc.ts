import { type DescMessage, isMessage, type Message, toJson } from "@bufbuild/protobuf";
import { type Model, type Route, RouteSchema } from "../../gen/polygate/config/v1/config_pb.js";
import type { JsonObject } from "../core/json.ts";
import { POLICY_FIELDS } from "./policies.ts";

/** What of a load a route's doc is put together from. */
export interface DocParts {
  readonly models: ReadonlyMap<Model, Message>;
  readonly policies: ReadonlyMap<unknown, readonly { readonly kind: string; readonly settings: Message }[]>;
  /** Of the messages in `models` and `policies`. */
  readonly descs: ReadonlyMap<Message, DescMessage>;
}

const PROTO = { useProtoFieldName: true } as const;

/**
 * All that was said of a route, as `polygate.config.v1.Route` in proto3 JSON with proto field names, the secrets themselves in it.
 *
 * @param said A copy of the route before defaults were filled in, without what is kept apart; or its doc.
 * @param route The route that `parts` knows.
 */
export function docOf(said: JsonObject | Route, route: Route, parts: DocParts): JsonObject {
  if (!isMessage(said, RouteSchema)) return said;
  const doc = toJson(RouteSchema, said, PROTO) as JsonObject;
  const json = (settings: Message) => toJson(parts.descs.get(settings)!, settings, PROTO) as JsonObject;
  const configure = (model: Model | undefined, into: JsonObject | undefined) => {
    const settings = model && parts.models.get(model);
    const config = settings && json(settings);
    if (into && config && Object.keys(config).length > 0) into["config"] = config;
  };
  configure(route.model, doc["model"] as JsonObject | undefined);
  const targets = (doc["targets"] ?? []) as JsonObject[];
  for (const [index, { model }] of route.targets.entries()) configure(model, targets[index]?.["model"] as JsonObject);
  for (const { field, kind } of POLICY_FIELDS.route) {
    const use = parts.policies.get(route)?.find((one) => one.kind === kind);
    if (use) doc[field.name] = json(use.settings);
  }
  return doc;
}
