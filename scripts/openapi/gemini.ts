import { call, json, type Paths, read } from "./paths.ts";
import { ref, type Schema } from "./schema.ts";

const text = (description: string): Schema => ({ type: "string", description });
const optional = (description: string): Schema => ({ type: ["object", "null"], description });
const list = (items: Schema, description: string): Schema => ({ type: "array", items, description });
const count = (description: string): Schema => ({ type: "integer", description });

const PARTS = list(
  { type: "object" },
  "What is said: `text`, `inlineData`, `functionCall`, `functionResponse` and others.",
);
const EMBED: Record<string, Schema> = {
  content: { type: "object", required: ["parts"], properties: { parts: PARTS }, description: "Required. A text." },
  taskType: text("What the vector is for."),
  outputDimensionality: count("Numbers of a vector."),
};
const VECTOR: Schema = {
  type: "object",
  required: ["values"],
  properties: { values: list({ type: "number" }, "The vector.") },
};

/** Google's contents, which no message mirrors: what the gateway reads of them. Unknown members go to Google as they came. */
export const GEMINI_SCHEMAS: Record<string, Schema> = {
  GenerateContentRequest: {
    type: "object",
    description: "One turn of a conversation.",
    required: ["contents"],
    properties: {
      contents: list(ref("GeminiContent"), "Required. The conversation so far."),
      systemInstruction: optional("What the model is told first: a content."),
      tools: { type: ["array", "null"], items: { type: "object" }, description: "What the model may call." },
      toolConfig: optional("Whether it has to call, in `functionCallingConfig`."),
      generationConfig: optional("How to answer: `temperature`, `maxOutputTokens`, `responseJsonSchema` and others."),
      safetySettings: { type: ["array", "null"], items: { type: "object" }, description: "For Google alone." },
    },
  },
  GeminiContent: {
    type: "object",
    required: ["parts"],
    properties: { role: { type: "string", enum: ["user", "model"] }, parts: PARTS },
  },
  GenerateContentResponse: {
    type: "object",
    description: "An answer, or a piece of one.",
    properties: {
      candidates: list(
        {
          type: "object",
          properties: {
            content: ref("GeminiContent"),
            finishReason: { type: "string", examples: ["STOP", "MAX_TOKENS", "SAFETY"] },
            index: count("Its place among the candidates."),
          },
        },
        "The answers.",
      ),
      promptFeedback: { type: "object", description: "Why the prompt was blocked." },
      usageMetadata: {
        type: "object",
        properties: {
          promptTokenCount: count("In."),
          candidatesTokenCount: count("Out."),
          totalTokenCount: count("Both."),
        },
      },
      modelVersion: text("As the provider names it."),
      responseId: text("The provider's id of the answer."),
    },
  },
  GeminiCountRequest: {
    type: "object",
    description:
      "A conversation whose tokens are counted: its contents, or a whole request in `generateContentRequest`.",
    properties: {
      contents: list(ref("GeminiContent"), "The conversation."),
      generateContentRequest: { type: "object" },
    },
  },
  GeminiCountResponse: {
    type: "object",
    required: ["totalTokens"],
    properties: { totalTokens: count("Of contents, instructions and tools.") },
  },
  EmbedContentRequest: { type: "object", required: ["content"], properties: EMBED },
  EmbedContentResponse: { type: "object", required: ["embedding"], properties: { embedding: VECTOR } },
  BatchEmbedContentsRequest: {
    type: "object",
    required: ["requests"],
    properties: {
      requests: list(
        { type: "object", required: ["content"], properties: EMBED },
        "Required. Alike but for their contents.",
      ),
    },
  },
  BatchEmbedContentsResponse: {
    type: "object",
    required: ["embeddings"],
    properties: { embeddings: list(VECTOR, "In the order of the requests.") },
  },
  GeminiModel: {
    type: "object",
    description: "A route, as Google describes a model.",
    required: ["name", "version", "displayName", "supportedGenerationMethods"],
    properties: {
      name: text("`models/` and the route's name."),
      version: text("The model of its first target."),
      displayName: text("The route's name."),
      description: text("Who is behind it."),
      supportedGenerationMethods: list({ type: "string" }, "What can be asked of it."),
    },
  },
  GeminiModels: {
    type: "object",
    required: ["models"],
    properties: { models: list(ref("GeminiModel"), "Every route that Google's API can call.") },
  },
  GoogleError: {
    type: "object",
    required: ["error"],
    properties: {
      error: {
        type: "object",
        required: ["code", "message", "status", "details"],
        properties: {
          code: count("The HTTP status."),
          message: text("What is wrong and what to do, in a sentence."),
          status: { type: "string", examples: ["INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"] },
          details: list({ type: "object" }, "`google.rpc.ErrorInfo` with the gateway's reason, and others."),
        },
      },
    },
  },
};

const CONTENTS = [{ role: "user", parts: [{ text: "Say hello in one sentence." }] }];
const ASK = { whole: { summary: "One turn", value: { contents: CONTENTS } } };
const EMBEDDED = { content: { parts: [{ text: "A text." }] } };
/** No example: the quickstart's provider cannot count. */
const NONE = {};
const ERROR = ref("GoogleError");
const NAME = { $ref: "#/components/parameters/RouteName" };
const EVENTS =
  "With `?alt=sse`: events `data: {...}`, without a name and without an end of their own. A stream that fails half way ends with an error instead.";

/** Google's paths; those of `/v1beta/models/ROUTE:...` are at `/v1/models/ROUTE:...` too. */
export function geminiPaths(): Paths {
  const tags = ["Google"];
  const answer = ref("GenerateContentResponse");
  const post = (operationId: string, summary: string, of: ReturnType<typeof call>) => {
    const parameters = [NAME, ...(of["parameters"] as object[])];
    return { post: { tags, operationId, summary, ...of, parameters } };
  };
  const get = (operationId: string, summary: string, of: ReturnType<typeof read>, parameters: object[] = []) => ({
    get: { tags, operationId, summary, parameters, ...of },
  });
  const streamed = call(ref("GenerateContentRequest"), ASK, list(answer, "The pieces."), answer, ERROR, EVENTS);
  const counted = call(ref("GeminiCountRequest"), NONE, ref("GeminiCountResponse"), undefined, ERROR);
  const unable = { description: "The route's provider cannot count: nothing is estimated.", content: json(ERROR) };
  const responses = { ...(counted["responses"] as object), "501": unable };
  return {
    "/v1beta/models/{name}:generateContent": post(
      "generateContent",
      "Goes on with a conversation",
      call(ref("GenerateContentRequest"), ASK, answer, undefined, ERROR),
    ),
    "/v1beta/models/{name}:streamGenerateContent": post("streamGenerateContent", "The same, piece by piece", streamed),
    "/v1beta/models/{name}:countTokens": post("countContentTokens", "Counts the tokens of a conversation", {
      ...counted,
      responses,
    }),
    "/v1beta/models/{name}:embedContent": post(
      "embedContent",
      "Turns a text into a vector",
      call(
        ref("EmbedContentRequest"),
        { embeddings: { summary: "A text", value: EMBEDDED } },
        ref("EmbedContentResponse"),
        undefined,
        ERROR,
      ),
    ),
    "/v1beta/models/{name}:batchEmbedContents": post(
      "batchEmbedContents",
      "Turns texts into vectors",
      call(
        ref("BatchEmbedContentsRequest"),
        { embeddings: { summary: "Two texts", value: { requests: [EMBEDDED, EMBEDDED] } } },
        ref("BatchEmbedContentsResponse"),
        undefined,
        ERROR,
      ),
    ),
    "/v1beta/models": get("listGeminiModels", "Lists the routes as models", read(ref("GeminiModels"), ERROR)),
    "/v1beta/models/{name}": get("getGeminiModel", "One route as a model", read(ref("GeminiModel"), ERROR), [NAME]),
  };
}
