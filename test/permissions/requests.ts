/** A request for every endpoint that calls a route: what it takes to be answered. */

const chat = { messages: [{ role: "user", content: "hi" }] };
const contents = { contents: [{ role: "user", parts: [{ text: "hi" }] }] };
const messages = { max_tokens: 5, ...chat };
const typed = { messages: [{ role: "ROLE_USER", text: "hi" }] };

/** How a route is called at an endpoint. */
export interface Asking {
  /** Name of the route, which also says its type. */
  readonly op: "chat" | "completions" | "embeddings" | "predictions";
  /** Of a route of this name: the path's parameter when it has one, and the body. */
  readonly param?: (route: string) => string;
  readonly body: (route: string) => object;
  /** One message in an envelope, as streams of Connect want it. */
  readonly framed?: true;
}

const named = (op: Asking["op"], body: object): Asking => ({ op, body: (model) => ({ model, ...body }) });
const placed = (op: Asking["op"], body: object): Asking => ({ op, param: (route) => route, body: () => body });
const verb = (op: Asking["op"], word: string, body: object): Asking => ({
  op,
  param: (route) => `${route}:${word}`,
  body: () => body,
});

/** By path; several where one path does several things. */
export const ASKING: Readonly<Record<string, readonly Asking[]>> = {
  "/v1/chat/completions": [named("chat", chat)],
  "/v1/completions": [named("completions", { prompt: "hi" })],
  "/v1/embeddings": [named("embeddings", { input: "hi" })],
  "/v1/responses": [named("chat", { input: "hi" })],
  "/gateway/openai/v1/chat/completions": [named("chat", chat)],
  "/gateway/openai/v1/completions": [named("completions", { prompt: "hi" })],
  "/gateway/openai/v1/embeddings": [named("embeddings", { input: "hi" })],
  "/gateway/openai/v1/responses": [named("chat", { input: "hi" })],
  "/v1/messages": [named("chat", messages)],
  "/gateway/anthropic/v1/messages": [named("chat", messages)],
  "/v1beta/models/{call}": [
    verb("chat", "generateContent", contents),
    verb("chat", "streamGenerateContent", contents),
    verb("embeddings", "embedContent", { content: { parts: [{ text: "hi" }] } }),
  ],
  "/gateway/gemini/v1beta/models/{call}": [verb("chat", "generateContent", contents)],
  "/v1/models/{call}": [verb("chat", "generateContent", contents)],
  "/gateway/{name}/invocations": [
    placed("chat", chat),
    placed("completions", { prompt: "hi" }),
    placed("embeddings", { input: "hi" }),
  ],
  "/endpoints/{name}/invocations": [placed("chat", chat)],
  "/gateway/{name}/mlflow/invocations": [placed("chat", chat)],
  "/gateway/mlflow/v1/chat/completions": [named("chat", chat)],
  "/predict/{name}": [placed("predictions", { inputs: [1] })],
  "/polygate.v1.ChatService/Chat": [named("chat", typed)],
  "/polygate.v1.ChatService/StreamChat": [
    { op: "chat", framed: true, body: (model) => ({ chat: { model, ...typed } }) },
  ],
  "/polygate.v1.CompletionsService/Complete": [named("completions", { text: "hi" })],
  "/polygate.v1.CompletionsService/StreamComplete": [
    { op: "completions", framed: true, body: (model) => ({ complete: { model, text: "hi" } }) },
  ],
  "/polygate.v1.EmbeddingsService/Embed": [named("embeddings", { text: "hi" })],
  "/polygate.v1.PredictionService/Predict": [named("predictions", { records: { records: [{ x: 1 }] } })],
};

/** Calls no route, or none that the simulator can count for; the gate alone is asked. */
export const WITHOUT_ROUTE: ReadonlySet<string> = new Set([
  "/v1/messages/count_tokens",
  "/v1/responses/{id}",
  "/v1/responses/{id}/cancel",
  "/v1/responses/{id}/input_items",
]);
