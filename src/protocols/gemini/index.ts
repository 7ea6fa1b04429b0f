import { listedFor } from "../../core/grants.ts";
import type { Endpoint, Inbound, Mount, Protocol } from "../../core/protocol.ts";
import { sendJson } from "../../core/rest.ts";
import type { Door } from "../../core/site.ts";
import { googleModels } from "../../dialects/gemini/models.ts";
import { invoke } from "./invoke.ts";
import { getModel } from "./models.ts";
import { refuse } from "./sink.ts";

/**
 * Google's Gemini API: contents, embeddings and models, where a model's name is the name of a route. Its clients ask under `/v1beta`
 * or `/v1`, by their age; there, `GET /v1/models` is OpenAI's path, which knows them.
 * @see https://ai.google.dev/api
 */
export const protocol: Protocol = { kind: "gemini", mounts };

function mounts(door: Door): readonly Mount[] {
  // One segment has both the model and what is asked of it: `chat:generateContent`.
  const ask = (version: string): Endpoint => ({
    method: "POST",
    path: `${version}/models/{call}`,
    permission: "inference",
    handle: (inbound, [call]) => invoke(door, inbound, call!),
  });
  const get = (path: string, handle: Endpoint["handle"]): Endpoint => ({
    method: "GET",
    path,
    permission: "listed",
    handle,
  });
  const lists = [
    get("/v1beta/models", (inbound) => sendJson(inbound, googleModels(listedFor(inbound.principal, door.site)))),
    get("/v1beta/models/{name}", (inbound, [name]) => getModel(door.site, inbound, name!)),
  ];
  return [
    { prefix: "/v1beta", endpoints: [ask("/v1beta"), ...lists], refuse },
    // Where MLflow 3 passes Google's requests through.
    { prefix: "/gateway/gemini/", endpoints: [ask("/gateway/gemini/v1beta")], refuse },
    { prefix: "/v1/models/", endpoints: [ask("/v1")], claims: isAsked, refuse },
  ];
}

/** Whether a path under OpenAI's prefix is one of Google's. */
function isAsked({ method, path }: Inbound): boolean {
  return method === "POST" && /^\/v1\/models\/[^/]+$/.test(path);
}
