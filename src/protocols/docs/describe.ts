import { readFileSync } from "node:fs";
import type { Operation } from "../../core/call.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import type { Site } from "../../core/site.ts";
import { speechOf } from "../../dialects/mlflow/speech.ts";
import { type Asset, assetOf } from "./assets.ts";

/** What the paths do whose examples name a route. */
const CALLS: Record<string, Operation> = {
  "/v1/chat/completions": "chat",
  "/v1/responses": "chat",
  "/v1/completions": "completions",
  "/v1/embeddings": "embeddings",
  "/polygate.v1.ChatService/Chat": "chat",
  "/polygate.v1.CompletionsService/Complete": "completions",
  "/polygate.v1.EmbeddingsService/Embed": "embeddings",
  "/polygate.v1.ChatService/StreamChat": "chat",
  "/polygate.v1.CompletionsService/StreamComplete": "completions",
};

/** Gives the description as it is for a site and for whoever asks by this `User-Agent`; made once for each kind of them. */
export function describer(): (site: Site, userAgent?: string) => Asset {
  let text: string | undefined;
  let made: { readonly generation: number; readonly assets: Map<string, Asset> } | undefined;
  return (site, userAgent) => {
    if (made?.generation !== site.generation) made = { generation: site.generation, assets: new Map() };
    const title = titleFor(userAgent);
    const known = made.assets.get(title);
    if (known !== undefined) return known;
    text ??= readFileSync(new URL("openapi.json", import.meta.url), "utf8");
    const plain = JSON.parse(text) as JsonObject;
    // The page is everybody's; the routes are for those who may call.
    const document = site.admit === undefined ? withRoutes(open(plain), site) : locked(plain);
    if (title !== "") at(document, "info")["title"] = title;
    const asset = assetOf("application/json", JSON.stringify(document));
    made.assets.set(title, asset);
    return asset;
  };
}

/** What MLflow's gateway of the client's own time called itself; empty, for all others: the description's own title. */
function titleFor(userAgent: string | undefined): string {
  const { format, fillCount } = speechOf(userAgent, undefined, []);
  if (!fillCount) return "";
  return format === "legacy" ? "MLflow Gateway API" : "MLflow AI Gateway";
}

/** Puts the site's own routes into the examples and the lists to choose from, so that what is tried out works. */
export function withRoutes(document: JsonObject, site: Site): JsonObject {
  const names = site.routes.map((route) => route.name);
  const first = (op: Operation) => site.routes.find((route) => route.op === op)?.name;
  for (const [path, op] of Object.entries(CALLS)) {
    const name = first(op);
    if (name === undefined) continue;
    for (const example of examplesAt(document, path)) {
      const asked = isObject(example) && isObject(example["value"]) ? example["value"] : {};
      // A stream's question holds the whole one.
      const whole = Object.values(asked).find((value) => isObject(value) && value["model"] !== undefined);
      (isObject(whole) ? whole : asked)["model"] = name;
    }
  }
  const parameter = at(document, "components", "parameters", "RouteName");
  if (names.length > 0) {
    parameter["schema"] = { type: "string", enum: names };
    parameter["example"] = first("chat") ?? names[0]!;
  }
  return document;
}

/** Everybody may call: there is no key to ask for. */
function open(document: JsonObject): JsonObject {
  document["security"] = [];
  delete at(document, "components")["securitySchemes"];
  return document;
}

/** Nobody may call without a key. */
function locked(document: JsonObject): JsonObject {
  const ways = document["security"] as Json[];
  document["security"] = ways.filter((way) => isObject(way) && Object.keys(way).length > 0);
  return document;
}

function examplesAt(document: JsonObject, path: string) {
  const media = at(document, "paths", path, "post", "requestBody", "content");
  return Object.values(media).flatMap((one) => (isObject(one) ? Object.values(at(one, "examples")) : []));
}

/** The object at a path; an empty one when there is none. */
function at(from: JsonObject, ...keys: readonly string[]): JsonObject {
  let here = from;
  for (const key of keys) {
    const next = here[key];
    if (!isObject(next)) return {};
    here = next;
  }
  return here;
}
