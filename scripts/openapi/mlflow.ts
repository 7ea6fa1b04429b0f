import type { OpenAISchemas } from "./openai.ts";
import type { Protos } from "./protos.ts";
import { ref, type Schema } from "./schema.ts";

const nullable = (type: string, description?: string): Schema => ({
  type: [type, "null"],
  ...(description && { description }),
});
const STRINGS: Schema = { type: "array", items: { type: "string" } };

/** Schemas of MLflow's JSON that no message mirrors. */
const OWN: Record<string, Schema> = {
  MlflowLegacyRequest: {
    type: "object",
    description:
      "A request of MLflow 2.5-2.8. It is read so when MLflow's own client of that age sends it, or when `candidate_count` or `text` gives it away.",
    properties: {
      messages: { type: "array", minItems: 1, items: { type: "object" }, description: "For a chat route." },
      prompt: { type: "string", description: "For a completions route." },
      text: { anyOf: [{ type: "string" }, STRINGS], description: "For an embeddings route." },
      temperature: { type: "number", minimum: 0, maximum: 1, description: "Randomness. Default 0." },
      candidate_count: { type: "integer", minimum: 1, maximum: 5, description: "How many answers to make. Default 1." },
      stop: { ...STRINGS, minItems: 1, description: "Texts that end the answer." },
      max_tokens: { type: "integer", minimum: 1, description: "Most tokens to make." },
    },
  },
  MlflowLegacyResponse: {
    type: "object",
    description: "An answer of MLflow 2.5-2.8: `candidates`, or `embeddings`.",
    required: ["metadata"],
    properties: {
      candidates: {
        type: "array",
        items: {
          type: "object",
          required: ["metadata"],
          properties: {
            text: { type: "string" },
            message: {
              type: "object",
              required: ["role", "content"],
              properties: { role: { type: "string" }, content: nullable("string") },
            },
            metadata: { type: "object", properties: { finish_reason: nullable("string") } },
          },
        },
      },
      embeddings: {
        type: "array",
        items: { anyOf: [{ type: "array", items: { type: "number" } }, { type: "string" }] },
      },
      metadata: {
        type: "object",
        required: ["input_tokens", "output_tokens", "total_tokens", "model", "route_type"],
        properties: {
          input_tokens: nullable("integer"),
          output_tokens: nullable("integer"),
          total_tokens: nullable("integer"),
          model: nullable("string"),
          route_type: { type: "string" },
        },
      },
    },
  },
  MlflowError: {
    type: "object",
    description: "A sentence, or the list of what a request broke.",
    required: ["detail"],
    properties: {
      detail: {
        anyOf: [
          { type: "string" },
          {
            type: "array",
            items: {
              type: "object",
              required: ["type", "loc", "msg"],
              properties: {
                type: { type: "string", examples: ["missing"] },
                loc: { type: "array", items: { type: ["string", "integer"] }, examples: [["body", "messages"]] },
                msg: { type: "string", examples: ["Field required"] },
                input: {},
                ctx: { type: "object" },
              },
            },
          },
        ],
      },
    },
  },
};

/** Adds MLflow's schemas; the modern ones are those of OpenAI's paths without `model`, which the path names. */
export function addMlflow(schemas: OpenAISchemas, protos: Protos): void {
  Object.assign(schemas.schemas, OWN);
  for (const one of ["route", "endpoint"] as const) Object.assign(schemas.schemas, listingOf(one));
  schemas.without(protos.message("polygate.v1.ChatRequest"), "MlflowChatRequest", ["model"]);
  schemas.without(protos.message("polygate.v1.CompleteRequest"), "MlflowCompletionsRequest", ["model"]);
  schemas.without(protos.message("polygate.v1.EmbedRequest"), "MlflowEmbeddingsRequest", ["model"]);
}

function listingOf(one: "route" | "endpoint"): Record<string, Schema> {
  const name = one === "route" ? "MlflowRoute" : "MlflowEndpoint";
  const item: Schema = {
    type: "object",
    required: ["name", `${one}_type`, "model", `${one}_url`],
    properties: {
      name: { type: "string" },
      [`${one}_type`]: { type: "string", enum: ["llm/v1/chat", "llm/v1/completions", "llm/v1/embeddings"] },
      model: {
        type: "object",
        required: ["name", "provider"],
        properties: { name: { type: "string" }, provider: { type: "string" } },
      },
      [`${one}_url`]: { type: "string", description: "The path to call it at." },
      limit: { type: ["object", "null"], description: "Always null." },
    },
  };
  const page: Schema = {
    type: "object",
    required: [`${one}s`, "next_page_token"],
    properties: {
      [`${one}s`]: { type: "array", items: ref(name) },
      next_page_token: nullable("string", "Asks for the next page; null: this is the last one."),
    },
  };
  return { [name]: item, [`${name}s`]: page };
}
