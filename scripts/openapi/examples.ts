/** Requests that the quickstart's routes answer at once: `chat`, `completions`, `embeddings`. */
const MESSAGES = [{ role: "user", content: "Say hello in one sentence." }];
const CITY = {
  type: "function",
  function: {
    name: "get_weather",
    description: "The weather in a city.",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

export interface Examples {
  readonly [name: string]: { readonly summary: string; readonly value: Record<string, unknown> };
}

/** By OpenAI's paths. */
export const OPENAI: Record<"chat" | "completions" | "embeddings", Examples> = {
  chat: {
    whole: { summary: "A whole answer", value: { model: "chat", messages: MESSAGES } },
    stream: { summary: "Piece by piece", value: { model: "chat", messages: MESSAGES, stream: true } },
    tools: {
      summary: "With a tool",
      value: { model: "chat", messages: [{ role: "user", content: "Is it raining in Oslo?" }], tools: [CITY] },
    },
  },
  completions: {
    whole: { summary: "A whole answer", value: { model: "completions", prompt: "Once upon a time", max_tokens: 32 } },
    stream: {
      summary: "Piece by piece",
      value: { model: "completions", prompt: "Once upon a time", max_tokens: 32, stream: true },
    },
  },
  embeddings: {
    one: { summary: "One text", value: { model: "embeddings", input: "The quick brown fox" } },
    several: {
      summary: "Several texts",
      value: { model: "embeddings", input: ["The quick brown fox", "jumps over the lazy dog"] },
    },
  },
};

/** By MLflow's paths; the route's type says which of them it takes. */
export const MLFLOW: Examples = {
  chat: { summary: "A chat route", value: { messages: MESSAGES, temperature: 0.2 } },
  completions: { summary: "A completions route", value: { prompt: "Once upon a time", max_tokens: 32 } },
  embeddings: { summary: "An embeddings route", value: { input: ["The quick brown fox"] } },
  legacy: { summary: "A chat route, as MLflow 2.5-2.8 asks", value: { messages: MESSAGES, candidate_count: 1 } },
};

/** By Connect's methods; of predictions none, which no route of the quickstart gives. */
export const CONNECT: Record<string, Record<string, unknown>> = {
  Chat: { model: "chat", messages: [{ role: "ROLE_USER", text: "Say hello in one sentence." }] },
  Complete: { model: "completions", text: "Once upon a time", maxTokens: 32 },
  Embed: { model: "embeddings", texts: { texts: ["The quick brown fox"] } },
  StreamChat: { chat: { model: "chat", messages: [{ role: "ROLE_USER", text: "Say hello in one sentence." }] } },
  StreamComplete: { complete: { model: "completions", text: "Once upon a time", maxTokens: 32 } },
  GetRoute: { name: "chat" },
  ListRoutes: { pageSize: 50 },
};
