import type { MlflowEra, Operation } from "../../../core/call.ts";
import { type Json, type JsonObject, objectIn, objectsIn } from "../../../core/json.ts";
import { legacyReply } from "../legacy.ts";
import { answersOf } from "../members.ts";
import { type Kind, kindOf, type Told } from "./kinds.ts";

/** Who answered, and to whom. */
export interface Answered {
  readonly era: MlflowEra;
  readonly provider: string;
  readonly model: string;
  readonly op: Operation;
}

/**
 * A whole answer as MLflow of the caller's era wrote it, and nothing more: its members, nulls where its adapter told nothing.
 * Tool calls of a whole answer stay where it lost them.
 *
 * @param json In the common shape. Throws UPSTREAM_FAILED when it has no list of choices or vectors.
 * @returns `undefined`: MLflow of that era had no such provider, or it did not do this.
 */
export function eraReply(answered: Answered, json: Readonly<JsonObject>): JsonObject | undefined {
  const told = toldBy(answered);
  if (told === undefined) return undefined;
  const seen = { ...json, model: told.model ? (json["model"] ?? null) : answered.model };
  return answered.era === "2.8" ? legacyAnswer(answered, told, seen) : modernAnswer(answered.op, told, seen);
}

/** One event of a stream, likewise, without pieces of tool calls. `null`: MLflow said nothing. */
export function eraEvent(answered: Answered, json: Readonly<JsonObject>): JsonObject | null | undefined {
  const told = toldBy(answered);
  if (told === undefined) return undefined;
  if (told.endless && objectsIn(json["choices"]).every(({ finish_reason = null }) => finish_reason !== null))
    return null;
  const { created = null } = json;
  const model = told.model ? (json["model"] ?? null) : answered.model;
  const id = told.id ? (json["id"] ?? null) : null;
  const isChat = answered.op === "chat";
  const choices = objectsIn(json["choices"]).map((choice, at): JsonObject => {
    const { index = at, finish_reason = null, text = "" } = choice;
    if (!isChat && told.native && finish_reason !== null) {
      return { index, finish_reason: choice["native_finish_reason"] ?? finish_reason, text: null };
    }
    if (!isChat) return { index, finish_reason, text };
    const { role = null, content = null } = objectIn(choice["delta"]);
    const begins = told.begins && role !== null && content === null;
    return { index, finish_reason, delta: begins ? { role: null, content: "" } : { role, content } };
  });
  const object = isChat ? "chat.completion.chunk" : "text_completion_chunk";
  return { id, object, created, model, choices };
}

/**
 * How a whole answer may be made of its bytes: `modern`: as for any caller, for MLflow had no such provider; `exact`: with
 * MLflow's members alone; `undefined`: it has to be parsed.
 */
export function formOf(answered: Answered): "modern" | "exact" | undefined {
  const told = toldBy(answered);
  if (told === undefined) return "modern";
  const whole = told.id && told.finish && told.usage && told.model && !told.parts && !told.seed;
  return whole && answered.op === "chat" ? "exact" : undefined;
}

function toldBy({ era, provider, model, op }: Answered): Told | undefined {
  const kind: Kind | undefined = kindOf(era, provider, model);
  return kind?.does[op];
}

function modernAnswer(op: Operation, told: Told, json: Readonly<JsonObject>): JsonObject {
  const { created = null, model = null } = json;
  const usage = usageOf(op, told, json);
  if (op === "embeddings") {
    const data = answersOf(json, "data").map(({ embedding = null, index }, at) => {
      return { object: "embedding", embedding, index: index ?? at };
    });
    return { object: "list", data, model, usage };
  }
  const id = told.id ? (json["id"] ?? null) : null;
  const choices = answersOf(json, "choices").map((choice, index): JsonObject => {
    const finish_reason = told.finish ? (choice["finish_reason"] ?? null) : null;
    if (op !== "chat") return { index, text: choice["text"] ?? "", finish_reason };
    const { role = "assistant", content = null, tool_calls = null, refusal = null } = objectIn(choice["message"]);
    const said = told.parts && typeof content === "string" ? [{ type: "text", text: content }] : content;
    const message = { role, content: said as Json, tool_calls, refusal };
    // A call must be seen as one, where MLflow said that the answer just stopped.
    return { index, message, finish_reason: tool_calls === null ? finish_reason : (choice["finish_reason"] ?? null) };
  });
  const object = op === "chat" ? "chat.completion" : "text_completion";
  return { id, object, created, model, choices, usage };
}

function usageOf(op: Operation, told: Told, json: Readonly<JsonObject>): JsonObject {
  const counts = told.usage ? objectIn(json["usage"]) : {};
  const names =
    op === "embeddings" ? ["prompt_tokens", "total_tokens"] : ["prompt_tokens", "completion_tokens", "total_tokens"];
  return Object.fromEntries(names.map((name) => [name, counts[name] ?? null]));
}

function legacyAnswer({ op }: Answered, told: Told, json: Readonly<JsonObject>): JsonObject {
  const known = told.usage ? json : { ...json, usage: null };
  if (told.seed) return withSeeds(legacyReply(op, known), json);
  if (told.finish || op === "embeddings") return legacyReply(op, known);
  const choices = answersOf(json, "choices").map((choice) => ({ ...choice, finish_reason: null }));
  return legacyReply(op, { ...known, choices });
}

function withSeeds(reply: JsonObject, json: Readonly<JsonObject>): JsonObject {
  const choices = objectsIn(json["choices"]);
  const candidates = objectsIn(reply["candidates"]).map(({ text = "", metadata }, at): JsonObject => {
    return { text, metadata: { ...objectIn(metadata), seed: JSON.stringify(choices[at]?.["seed"] ?? null) } };
  });
  return { ...reply, candidates };
}
