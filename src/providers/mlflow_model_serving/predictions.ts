import type { Call } from "../../core/call.ts";
import { errors } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject, objectsIn } from "../../core/json.ts";
import type { Reading } from "../../core/provider.ts";
import { onePrompt } from "../../dialects/openai/as-chat.ts";
import { chatReply, embeddingsReply, present, untoldEnd } from "../../dialects/openai/make.ts";
import { textOf, textsOf } from "../../dialects/openai/media.ts";
import { only } from "../../dialects/openai/only.ts";
import { Taken } from "../../dialects/openai/take.ts";

/**
 * A question for a model that knows nothing of chats: its inputs, and everything else as parameters, which a model takes or
 * leaves as its signature says.
 *
 * @see https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/#accepted-input-formats
 */
export function predictionsRequest(call: Call, json: Readonly<JsonObject>): JsonObject {
  const taken = new Taken(call, json);
  const { op } = call.plan;
  const { dialect, legacy = false } = call.arrival;
  const inputs =
    op === "embeddings"
      ? textsOf(taken.take("input"))
      : [op === "chat" ? onlyMessage(call, taken.take("messages")) : onePrompt(taken.take("prompt"))];
  // MLflow passes the count on by its name of the time.
  const count = dialect === "mlflow" && legacy ? "candidate_count" : "n";
  const params = present({
    temperature: taken.temperature(2, { modern: 1, legacy: 1 }),
    [count]: taken.take("n"),
    ...taken.untaken(),
    ...(dialect === "mlflow" && present({ model: json["model"] ?? undefined })),
  });
  return Object.keys(params).length === 0 ? { inputs } : { inputs, params };
}

/** As in MLflow: such a model takes one text. */
function onlyMessage(call: Call, messages: Json | undefined): Json {
  const list = Array.isArray(messages) ? messages : [];
  const [message] = list;
  if (list.length !== 1 || !isObject(message)) {
    const description =
      `must be one message for a model served by MLflow, which takes a single text; there are ${list.length}. ` +
      "A model that takes a conversation is asked with model_server_api: openai";
    throw errors.fieldInvalid([{ field: "messages", description }]);
  }
  const { role, content, ...rest } = message;
  only(call, "messages[0]", rest, []);
  if (role !== "user") call.adjust("converted", "messages[0].role");
  const parts = objectsIn(content);
  const others = parts.flatMap(({ type }, at) => (type === "text" ? [] : [at]));
  // MLflow gives parts to the model as they came: one that was logged to read them reads them.
  if (others.length > 0 && call.arrival.era === "2.22") return [...parts];
  for (const at of others) call.adjust("dropped", `messages[0].content[${at}]`);
  return textOf(content);
}

const TEXTS =
  '{"predictions": "a text"}, {"predictions": ["a text", ...]} or {"predictions": {"candidates": ["a text", ...]}}';
const VECTORS = '{"predictions": [numbers]} or {"predictions": [[numbers], ...]}';

/** How such answers are read. @param now Seconds since 1970: the server tells no time. */
export function predictions(now: () => number): Record<"chat" | "completions" | "embeddings", Reading> {
  const modelOf = (call: Call) => call.target?.model ?? "";
  const headOf = (call: Call) => ({ id: null, created: now(), model: modelOf(call) });
  return {
    chat: {
      reply(call, json) {
        const choices = textsIn(json, modelOf(call)).map((content, index) => {
          return { index, message: { role: "assistant", content }, finish_reason: untoldEnd(call) };
        });
        return chatReply(headOf(call), choices, undefined);
      },
    },
    completions: {
      reply(call, json) {
        const choices = textsIn(json, modelOf(call)).map((text, index) => ({
          index,
          text,
          finish_reason: untoldEnd(call),
        }));
        return { ...headOf(call), object: "text_completion", choices };
      },
    },
    embeddings: {
      reply: (call, json) => embeddingsReply(modelOf(call), vectorsIn(json, modelOf(call)), undefined),
    },
  };
}

function textsIn(json: Readonly<JsonObject>, model: string): string[] {
  const { predictions: told } = json;
  // MLflow reads an object with a single member whatever its name, and `choices` and `candidates` among others.
  const entries = isObject(told) ? Object.entries(told) : [];
  const named =
    entries.length === 1 ? entries : entries.filter(([name]) => name === "candidates" || name === "choices");
  const list = isObject(told) ? named[0]?.[1] : told;
  const texts = typeof list === "string" ? [list] : list;
  if (isListOf(texts, (one) => typeof one === "string")) return texts as string[];
  throw unreadable(json, model, TEXTS);
}

function vectorsIn(json: Readonly<JsonObject>, model: string): Json[] {
  const { predictions: told } = json;
  const numbers = (list: Json) => isListOf(list, (one) => typeof one === "number");
  if (isListOf(told, (one) => typeof one === "number")) return [told as Json[]];
  if (isListOf(told, numbers)) return told as Json[];
  throw unreadable(json, model, VECTORS);
}

function isListOf(value: Json | undefined, test: (one: Json) => boolean): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(test);
}

function unreadable(json: Readonly<JsonObject>, model: string, want: string) {
  const { predictions: told } = json;
  const came =
    told === undefined ? `${shapeOf({ ...json })} without "predictions"` : `{"predictions": ${shapeOf(told)}}`;
  return errors.upstreamFailed(
    `The served model ${model} answered ${came}, which cannot be read; it must answer ${want}.`,
  );
}

/** What a value looks like, without what it says. */
function shapeOf(value: Json): string {
  if (Array.isArray(value))
    return value.length === 0 ? "[]" : `[${shapeOf(value[0]!)}${value.length > 1 ? ", ..." : ""}]`;
  if (value === null) return "null";
  if (typeof value !== "object")
    return { string: "a text", number: "a number", boolean: "true or false" }[typeof value as "string"];
  const names = Object.keys(value);
  return `{${names
    .slice(0, 5)
    .map((name) => JSON.stringify(name))
    .join(", ")}${names.length > 5 ? ", ..." : ""}}`;
}
