import type { Operation } from "../../core/call.ts";
import type { JsonObject } from "../../core/json.ts";
import type { RouteInfo } from "../../core/site.ts";

/** What a route of each operation takes; Google's API has no completions. */
const METHODS: Readonly<Partial<Record<Operation, string[]>>> = {
  chat: ["generateContent", "streamGenerateContent", "countTokens"],
  embeddings: ["embedContent", "batchEmbedContents"],
};

/** A route as Google describes a model; `undefined`: its API cannot call it. */
export function googleModel({ name, op, targets }: RouteInfo): JsonObject | undefined {
  const supportedGenerationMethods = METHODS[op];
  if (supportedGenerationMethods === undefined) return undefined;
  const { provider, model: version } = targets[0]!;
  return {
    name: `models/${name}`,
    version,
    displayName: name,
    description: `By ${provider}.`,
    supportedGenerationMethods,
  };
}

/** Every route that Google's API can call, on one page. */
export function googleModels(routes: readonly RouteInfo[]): JsonObject {
  return { models: routes.map(googleModel).filter((model) => model !== undefined) };
}
