import type { Operation } from "../../core/call.ts";
import { type Json, type JsonObject, objectIn, objectsIn } from "../../core/json.ts";
import { answersOf, withRest } from "./members.ts";

/**
 * A whole answer as MLflow 2.9 and later write it: OpenAI's shape with MLflow's members in MLflow's order, nulls in place of
 * what the provider did not say, and then what MLflow would have dropped.
 *
 * @param json In the common shape. Throws UPSTREAM_FAILED when it has no list of choices or vectors.
 */
export function modernReply(op: Operation, json: Readonly<JsonObject>): JsonObject {
  const { id = null, created = null, model = null } = json;
  if (op === "embeddings") {
    const data = answersOf(json, "data").map((one, at) =>
      withRest({ object: "embedding", embedding: one["embedding"] ?? null, index: one["index"] ?? at }, one),
    );
    return withRest(
      { object: "list", data, model, usage: usageOf(json["usage"], ["prompt_tokens", "total_tokens"]) },
      json,
    );
  }
  const choices = answersOf(json, "choices").map(op === "chat" ? chatChoice : textChoice);
  const object = op === "chat" ? "chat.completion" : "text_completion";
  const usage = usageOf(json["usage"], ["prompt_tokens", "completion_tokens", "total_tokens"]);
  return withRest({ id, object, created, model, choices, usage }, json);
}

/** One event of a stream, likewise. MLflow drops `usage` and the tool calls of a delta; here they stay. */
export function modernEvent(op: Operation, json: Readonly<JsonObject>): JsonObject {
  const { id = null, created = null, model = null } = json;
  const choices = objectsIn(json["choices"]).map((choice, at) => {
    const { index = at, finish_reason = null } = choice;
    if (op !== "chat") return withRest({ index, finish_reason, text: choice["text"] ?? "" }, choice, ["delta"]);
    const delta = objectIn(choice["delta"]);
    const { role = null, content = null } = delta;
    return withRest({ index, finish_reason, delta: withRest({ role, content }, delta) }, choice);
  });
  const object = op === "chat" ? "chat.completion.chunk" : "text_completion_chunk";
  return withRest({ id, object, created, model, choices }, json);
}

function chatChoice(choice: JsonObject, at: number): JsonObject {
  const { index = at, finish_reason = null } = choice;
  const said = objectIn(choice["message"]);
  const { role = "assistant", content = null, tool_calls = null, refusal = null } = said;
  const message = withRest({ role, content, tool_calls, refusal }, said);
  return withRest({ index, message, finish_reason }, choice);
}

/** Some servers tell completions twice, as chats too; MLflow does not. */
function textChoice(choice: JsonObject, at: number): JsonObject {
  const { index = at, text = "", finish_reason = null } = choice;
  return withRest({ index, text, finish_reason }, choice, ["message"]);
}

function usageOf(usage: Json | undefined, keys: readonly string[]): JsonObject {
  const told = objectIn(usage);
  return withRest(Object.fromEntries(keys.map((key) => [key, told[key] ?? null])), told);
}
