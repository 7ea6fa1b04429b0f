import type { Call } from "../../core/call.ts";
import { errors } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { embeddingsReply } from "../openai/make.ts";
import { fields, lists } from "./fields.ts";
import { usageIn } from "./usage.ts";

/**
 * A reply of `embedContent` or `batchEmbedContents` in the common shape. Throws UPSTREAM_FAILED when it has no vector.
 *
 * @see https://ai.google.dev/api/embeddings
 */
export function embeddingsFrom(call: Call, json: Readonly<JsonObject>): JsonObject {
  const said = fields(json);
  const found = said["embedding"] === undefined ? lists(said["embeddings"]) : lists(said["embedding"]);
  return vectorsReply(
    call,
    found.map(({ values }) => values),
    usageIn(said["usageMetadata"]),
  );
}

/** Vectors in the form that the caller asked for. Throws UPSTREAM_FAILED when one is none, or there are none. */
export function vectorsReply(
  call: Call,
  vectors: readonly (Json | undefined)[],
  usage: JsonObject | undefined,
): JsonObject {
  if (vectors.length === 0 || !vectors.every(Array.isArray)) {
    throw errors.upstreamFailed("The provider's answer has no vectors.");
  }
  const packed = call.body.peek("encoding_format") === "base64";
  const shown = (vectors as Json[][]).map((vector) => (packed ? base64(vector) : vector));
  const counted = usage && { prompt_tokens: usage["prompt_tokens"], total_tokens: usage["total_tokens"] };
  return embeddingsReply(call.target?.model ?? "", shown, counted);
}

function base64(vector: readonly Json[]): string {
  const bytes = Buffer.allocUnsafe(vector.length * 4);
  for (const [at, value] of vector.entries()) bytes.writeFloatLE(Number(value), at * 4);
  return bytes.toString("base64");
}
