import { call, json, OPENAI_ERROR, type Paths } from "./paths.ts";
import { ref, type Schema } from "./schema.ts";

const text = (description: string): Schema => ({ type: "string", description });
const optional = (type: string, description: string): Schema => ({ type: [type, "null"], description });

/** OpenAI's Responses, which no message mirrors: what the gateway reads of them. Unknown members are told in a header. */
export const RESPONSES_SCHEMAS: Record<string, Schema> = {
  ResponsesRequest: {
    type: "object",
    description: "One turn of a conversation; the gateway keeps none, so it holds the whole of it.",
    required: ["model"],
    properties: {
      model: text("Required. The name of a route of chats."),
      input: {
        anyOf: [{ type: "string" }, { type: "array", items: { type: "object" } }],
        description: "A text, or the items of the conversation so far: messages, tools' calls and their results.",
      },
      instructions: optional("string", "What the model is told first."),
      stream: optional("boolean", "Answers by server-sent events. Default false."),
      max_output_tokens: optional("integer", "Most tokens to make."),
      temperature: optional("number", "Randomness."),
      top_p: optional("number", "Chooses among the likeliest tokens of this share."),
      tools: { type: ["array", "null"], items: { type: "object" }, description: "What the model may call." },
      text: optional("object", "The form of the answer, such as a JSON schema, in `format`."),
      reasoning: optional("object", "How hard to think, in `effort`."),
    },
  },
  ResponsesResponse: {
    type: "object",
    required: ["id", "object", "created_at", "status", "model", "output"],
    properties: {
      id: { type: "string" },
      object: { type: "string", enum: ["response"] },
      created_at: { type: "integer", description: "In seconds since 1970." },
      status: { type: "string", examples: ["completed", "incomplete"] },
      model: { type: "string", description: "As the provider names it." },
      output: {
        type: "array",
        items: { type: "object", required: ["type"], properties: { type: { type: "string" } } },
      },
      usage: optional("object", "`input_tokens`, `output_tokens` and `total_tokens`."),
    },
  },
  ResponsesEvent: {
    type: "object",
    required: ["type", "sequence_number"],
    properties: {
      type: { type: "string", examples: ["response.output_text.delta"] },
      sequence_number: { type: "integer" },
    },
  },
};

const EXAMPLES = {
  whole: { summary: "A whole answer", value: { model: "chat", input: "Say hello in one sentence." } },
  stream: { summary: "By events", value: { model: "chat", input: "Say hello in one sentence.", stream: true } },
};

/** OpenAI's Responses. */
export function responsesPaths(): Paths {
  const tags = ["OpenAI"];
  const error = OPENAI_ERROR;
  const none = { "501": { description: "Always: the gateway keeps no responses.", content: json(error) } };
  const id = { name: "id", in: "path", required: true, schema: { type: "string" }, example: "resp_1" };
  const kept = (operationId: string) => ({
    tags,
    operationId,
    summary: "Not available",
    parameters: [id],
    responses: none,
  });
  const respond = call(ref("ResponsesRequest"), EXAMPLES, ref("ResponsesResponse"), ref("ResponsesEvent"), error);
  return {
    "/v1/responses": {
      post: { tags, operationId: "createResponse", summary: "Goes on with a conversation, as Responses", ...respond },
    },
    "/v1/responses/{id}": { get: kept("getResponse"), delete: kept("deleteResponse") },
    "/v1/responses/{id}/cancel": { post: kept("cancelResponse") },
    "/v1/responses/{id}/input_items": { get: kept("listResponseItems") },
  };
}
