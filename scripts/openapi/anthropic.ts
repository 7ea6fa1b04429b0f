import { call, json, type Paths } from "./paths.ts";
import { ref, type Schema } from "./schema.ts";

const text = (description: string): Schema => ({ type: "string", description });
const optional = (type: string, description: string): Schema => ({ type: [type, "null"], description });
const blocks: Schema = {
  type: "array",
  items: { type: "object", required: ["type"], properties: { type: { type: "string" } } },
};
const said = (description: string): Schema => ({ anyOf: [{ type: "string" }, blocks], description });

const CONVERSATION: Record<string, Schema> = {
  model: text("Required. The name of a route of chats."),
  messages: {
    type: "array",
    minItems: 1,
    description: "Required. The conversation so far.",
    items: {
      type: "object",
      required: ["role", "content"],
      properties: { role: { type: "string", enum: ["user", "assistant", "system"] }, content: said("What was said.") },
    },
  },
  system: said("What the model is told first."),
  tools: { type: ["array", "null"], items: { type: "object" }, description: "What the model may call." },
  tool_choice: optional("object", "Whether it has to call: `type` is `auto`, `any`, `tool` or `none`."),
  thinking: optional("object", "How much to think: `type` is `enabled`, `adaptive` or `disabled`."),
  output_config: optional("object", "How hard to try, in `effort`, and the answer's form, in `format`."),
};

/** Anthropic's Messages, which no message mirrors: what the gateway reads of them. Unknown members go to Anthropic as they came. */
export const ANTHROPIC_SCHEMAS: Record<string, Schema> = {
  MessagesRequest: {
    type: "object",
    description: "One turn of a conversation.",
    required: ["model", "max_tokens", "messages"],
    properties: {
      ...CONVERSATION,
      max_tokens: { type: "integer", minimum: 0, description: "Required. Most tokens to make." },
      stream: optional("boolean", "Answers by server-sent events. Default false."),
      temperature: { type: ["number", "null"], minimum: 0, maximum: 1, description: "Randomness." },
      top_p: {
        type: ["number", "null"],
        minimum: 0,
        maximum: 1,
        description: "Chooses among the likeliest tokens of this share.",
      },
      top_k: optional("integer", "Chooses among so many of the likeliest tokens."),
      stop_sequences: { type: ["array", "null"], items: { type: "string" }, description: "Texts that end the answer." },
      metadata: optional("object", "Whose request it is, in `user_id`."),
    },
  },
  MessagesResponse: {
    type: "object",
    required: ["id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"],
    properties: {
      id: { type: "string" },
      type: { type: "string", enum: ["message"] },
      role: { type: "string", enum: ["assistant"] },
      model: { type: "string", description: "As the provider names it." },
      content: blocks,
      stop_reason: { type: ["string", "null"], examples: ["end_turn", "max_tokens", "tool_use"] },
      stop_sequence: optional("string", "The text that ended it."),
      usage: {
        type: "object",
        required: ["input_tokens", "output_tokens"],
        properties: { input_tokens: { type: "integer" }, output_tokens: { type: "integer" } },
      },
    },
  },
  MessagesEvent: {
    type: "object",
    required: ["type"],
    properties: { type: { type: "string", examples: ["message_start", "content_block_delta", "message_stop"] } },
  },
  CountTokensRequest: {
    type: "object",
    description: "A conversation whose tokens are counted.",
    required: ["model", "messages"],
    properties: CONVERSATION,
  },
  CountTokensResponse: {
    type: "object",
    required: ["input_tokens"],
    properties: { input_tokens: { type: "integer", description: "Of messages, instructions and tools." } },
  },
  AnthropicError: {
    type: "object",
    required: ["type", "error", "request_id"],
    properties: {
      type: { type: "string", enum: ["error"] },
      error: {
        type: "object",
        required: ["type", "message"],
        properties: {
          type: { type: "string", examples: ["invalid_request_error", "overloaded_error"] },
          message: { type: "string", description: "What is wrong and what to do, in a sentence." },
        },
      },
      request_id: { type: "string", description: "The same as the header `request-id`." },
    },
  },
};

const MESSAGES = [{ role: "user", content: "Say hello in one sentence." }];
const EXAMPLES = {
  whole: { summary: "A whole answer", value: { model: "chat", max_tokens: 64, messages: MESSAGES } },
  stream: { summary: "By events", value: { model: "chat", max_tokens: 64, messages: MESSAGES, stream: true } },
};
/** No example: the quickstart's provider cannot count. */
const NONE = {};
const ERROR = ref("AnthropicError");
const EVENTS =
  "Events `event: NAME` with `data: {...}`, the last of them `message_stop`. A stream that fails half way ends with `event: error` instead.";

/** Anthropic's paths. */
export function anthropicPaths(): Paths {
  const tags = ["Anthropic"];
  const ask = call(ref("MessagesRequest"), EXAMPLES, ref("MessagesResponse"), ref("MessagesEvent"), ERROR, EVENTS);
  const count = call(ref("CountTokensRequest"), NONE, ref("CountTokensResponse"), undefined, ERROR);
  const responses = count["responses"] as Record<string, unknown>;
  const unable = { description: "The route's provider cannot count: nothing is estimated.", content: json(ERROR) };
  return {
    "/v1/messages": { post: { tags, operationId: "createMessage", summary: "Goes on with a conversation", ...ask } },
    "/v1/messages/count_tokens": {
      post: {
        tags,
        operationId: "countTokens",
        summary: "Counts the tokens of a conversation",
        ...count,
        responses: { ...responses, "501": unable },
      },
    },
  };
}
