import type { Call } from "../../core/call.ts";
import { errors } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import type { Reading } from "../../core/provider.ts";
import { embeddingsFrom, vectorsReply } from "../../dialects/gemini/embeddings-in.ts";
import { embeddingOf } from "../../dialects/gemini/embeddings-out.ts";
import { present } from "../../dialects/openai/make.ts";
import { embedsContent } from "./model.ts";

/** Members that stand beside the texts and not with each of them. */
const PARAMETERS = new Set(["autoTruncate", "auto_truncate"]);

/**
 * A request for vectors: by `predict`, or by `embedContent` for models that have it.
 *
 * Throws FIELD_INVALID for several texts at once where the model takes one.
 * @see https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api
 */
export function vectorsRequest(call: Call, name: string): { readonly method: string; readonly json: JsonObject } {
  const { texts, dimensions, more } = embeddingOf(call);
  if (embedsContent(name)) {
    if (texts.length > 1) {
      const description = `must be one text for the model ${name} on Vertex AI`;
      throw errors.fieldInvalid([{ field: "input", description }]);
    }
    const config = present({ outputDimensionality: dimensions, ...more });
    const embedContentConfig = Object.keys(config).length === 0 ? undefined : config;
    return {
      method: "embedContent",
      json: present({ content: { parts: [{ text: texts[0]! }] }, embedContentConfig }),
    };
  }
  const { taskType, ...rest } = more;
  const own = Object.entries(rest);
  const beside = Object.fromEntries(own.filter(([key]) => PARAMETERS.has(key)));
  const within = Object.fromEntries(own.filter(([key]) => !PARAMETERS.has(key)));
  const instances = texts.map((content) => present({ content, task_type: taskType, ...within }));
  const parameters = present({ outputDimensionality: dimensions, ...beside });
  return {
    method: "predict",
    json: present({ instances, parameters: Object.keys(parameters).length === 0 ? undefined : parameters }),
  };
}

/** How either's answers are read. `predict` counts the tokens of each text. */
export const vertexEmbeddings: Reading = {
  reply(call, json) {
    if (!Array.isArray(json["predictions"])) return embeddingsFrom(call, json);
    const found = json["predictions"].map((one) =>
      isObject(one) && isObject(one["embeddings"]) ? one["embeddings"] : {},
    );
    const tokens = found.map(({ statistics }) => countOf(statistics)).reduce((sum, count) => sum + count, 0);
    const usage = tokens === 0 ? undefined : { prompt_tokens: tokens, total_tokens: tokens };
    return vectorsReply(
      call,
      found.map(({ values }) => values),
      usage,
    );
  },
};

function countOf(statistics: Json | undefined): number {
  const count = isObject(statistics) ? (statistics["token_count"] ?? statistics["tokenCount"]) : undefined;
  return typeof count === "number" ? count : 0;
}
