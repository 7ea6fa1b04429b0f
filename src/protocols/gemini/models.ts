import type { Operation } from "../../core/call.ts";
import { errors } from "../../core/errors.ts";
import type { Inbound } from "../../core/protocol.ts";
import { sendJson } from "../../core/rest.ts";
import type { RouteInfo, Site } from "../../core/site.ts";
import { refuse } from "./sink.ts";

/** What a route of each operation takes; Google's API has no completions. */
const METHODS: Readonly<Partial<Record<Operation, readonly string[]>>> = {
  chat: ["generateContent", "streamGenerateContent", "countTokens"],
  embeddings: ["embedContent", "batchEmbedContents"],
};

/** Every route that the API can call, on one page. */
export function listModels(site: Site, inbound: Inbound): void {
  sendJson(inbound, { models: site.routes.filter(({ op }) => METHODS[op]).map(model) });
}

export function getModel(site: Site, inbound: Inbound, name: string): void {
  const route = site.route(name);
  if (route && METHODS[route.op]) sendJson(inbound, model(route));
  else refuse(inbound, errors.routeUnknown(name));
}

function model({ name, op, targets }: RouteInfo) {
  const { provider, model: version } = targets[0]!;
  const supportedGenerationMethods = METHODS[op];
  return {
    name: `models/${name}`,
    version,
    displayName: name,
    description: `By ${provider}.`,
    supportedGenerationMethods,
  };
}
