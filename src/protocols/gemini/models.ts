import { errors } from "../../core/errors.ts";
import { listedRoute } from "../../core/grants.ts";
import type { Inbound } from "../../core/protocol.ts";
import { sendJson } from "../../core/rest.ts";
import type { Site } from "../../core/site.ts";
import { googleModel } from "../../dialects/gemini/models.ts";
import { refuse } from "./sink.ts";

/** One route as a model. */
export function getModel(site: Site, inbound: Inbound, name: string): void {
  const route = listedRoute(inbound.principal, site, name);
  const model = route && googleModel(route);
  if (model) sendJson(inbound, model);
  else refuse(inbound, errors.routeUnknown(name));
}
