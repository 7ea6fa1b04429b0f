import type { Call } from "../../core/call.ts";
import { errors } from "../../core/errors.ts";
import { type Json, type JsonObject, objectsIn } from "../../core/json.ts";
import type { ReplyHeaders } from "../../core/provider.ts";
import { embedReplyIn } from "../../dialects/cohere/embed.ts";
import { embeddingsReply, present, usageOf } from "../../dialects/openai/make.ts";
import { textsOf } from "../../dialects/openai/media.ts";
import { Taken } from "../../dialects/openai/take.ts";

/** Models that make vectors, each kind with words of its own. */
interface Embedders {
  request(call: Call, taken: Taken, id: string): JsonObject;
  reply(call: Call, json: Readonly<JsonObject>, model: string): JsonObject;
}

/**
 * Texts to embed in the words of the model's kind: Titan, Nova, or Cohere. Throws FIELD_INVALID for several texts where the model
 * takes one at a time, and OPERATION_UNSUPPORTED for a model that makes no vectors.
 */
export function embedRequest(call: Call, id: string, json: Readonly<JsonObject>): JsonObject {
  const taken = new Taken(call, json);
  // The gateway packs the vectors itself.
  taken.take("encoding_format");
  const request = embeddersOf(id).request(call, taken, id);
  return { ...request, ...taken.extras() };
}

/** The vectors in the common shape. Tokens that only the head counts are told, too. */
export function embedReply(call: Call, id: string, json: Readonly<JsonObject>, headers: ReplyHeaders = {}): JsonObject {
  const reply = embeddersOf(id).reply(call, json, call.target?.model ?? id);
  const counted = Number(headers["x-amzn-bedrock-input-token-count"]);
  if (reply["usage"] === undefined && Number.isInteger(counted)) reply["usage"] = usageOf({ prompt: counted })!;
  return reply;
}

/** @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html */
const titan: Embedders = {
  request: (_call, taken) =>
    present({ inputText: oneText(taken.take("input")), dimensions: taken.number("dimensions") }),
  reply(_call, json, model) {
    const { embedding, inputTextTokenCount: prompt, embeddingsByType } = json;
    if (!Array.isArray(embedding)) throw errors.upstreamFailed("The provider bedrock answered without an embedding.");
    const usage = usageOf({ prompt: typeof prompt === "number" ? prompt : undefined });
    return { ...embeddingsReply(model, [embedding], usage), ...present({ embeddingsByType }) };
  },
};

/** @see https://docs.aws.amazon.com/nova/latest/userguide/embeddings-schema.html */
const nova: Embedders = {
  request(_call, taken) {
    const value = oneText(taken.take("input"));
    return {
      schemaVersion: "nova-multimodal-embed-v1",
      taskType: "SINGLE_EMBEDDING",
      singleEmbeddingParams: present({
        embeddingPurpose: "GENERIC_INDEX",
        embeddingDimension: taken.number("dimensions"),
        text: { truncationMode: "END", value },
      }),
    };
  },
  reply(_call, json, model) {
    const vectors = objectsIn(json["embeddings"]).map(({ embedding }) => embedding);
    if (vectors.length === 0) throw errors.upstreamFailed("The provider bedrock answered without an embedding.");
    const { inputTextTokenCount: prompt } = json;
    return embeddingsReply(
      model,
      vectors as Json[],
      usageOf({ prompt: typeof prompt === "number" ? prompt : undefined }),
    );
  },
};

/** @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html */
const cohere: Embedders = {
  request(call, taken, id) {
    const input_type = taken.take("input_type");
    if (input_type === undefined) call.adjust("defaulted", "input_type");
    const texts = textsOf(taken.take("input"));
    // The length of vectors can be chosen from version 4 on.
    const sized = !/^cohere\.embed-(?:english|multilingual)-v3/.test(id);
    return present({
      texts,
      input_type: input_type ?? "search_document",
      output_dimension: sized ? taken.number("dimensions") : undefined,
    });
  },
  reply: embedReplyIn,
};

const KINDS: readonly (readonly [id: RegExp, models: Embedders])[] = [
  [/^amazon\.titan-embed-/, titan],
  [/^amazon\.nova-.*embed/, nova],
  [/^cohere\.embed-/, cohere],
];

function embeddersOf(id: string): Embedders {
  const found = KINDS.find(([pattern]) => pattern.test(id))?.[1];
  if (found !== undefined) return found;
  const known = "amazon.titan-embed-*, amazon.nova-*-embeddings-* and cohere.embed-*";
  throw errors.operationUnsupported(
    `The model ${JSON.stringify(id)} of bedrock makes no embeddings here; ${known} do.`,
  );
}

function oneText(input: Json | undefined): string {
  const [first, ...more] = textsOf(input);
  if (more.length === 0) return first!;
  const description = "must be one text: this route's model on Bedrock embeds one at a time; ask once for each";
  throw errors.fieldInvalid([{ field: "input", description }]);
}
