/** Answers in the common shape, put together from what a sink was told. */
import { isObject, type Json, type JsonObject } from "../../src/core/json.ts";
import type { Answer } from "./provider-contract.ts";
import type { RecordingSink } from "./sink.ts";

/** The first choice's answer and the usage of a whole reply or of a stream's events; throws when the call failed. */
export function answerOf(sink: RecordingSink): Answer {
  const failed = sink.told.find((one) => one.startsWith("fail"));
  if (failed !== undefined) throw new Error(`${failed}: ${sink.error?.message}`);
  const reply = sink.told.find((one) => one.startsWith("reply "));
  if (reply !== undefined) return ofReply(JSON.parse(reply.slice(6)) as JsonObject);
  if (sink.told.at(-1) !== "end") throw new Error(`the stream did not end: ${sink.told.at(-1)}`);
  return ofEvents(
    sink.told.filter((one) => one.startsWith("event ")).map((one) => JSON.parse(one.slice(6)) as JsonObject),
  );
}

function ofReply(json: JsonObject): Answer {
  if (Array.isArray(json["data"])) {
    return tidy({
      vectors: json["data"].map((one) => (one as JsonObject)["embedding"] as unknown as number[]),
      usage: json["usage"],
    });
  }
  const choice = first(json);
  const message = isObject(choice["message"]) ? choice["message"] : { content: choice["text"] };
  return tidy({
    text: plainText(message["content"]),
    reasoning: message["reasoning"] ?? message["reasoning_content"],
    refusal: message["refusal"],
    tool_calls: list(message["tool_calls"]).map(callOf),
    finish_reason: choice["finish_reason"],
    native_finish_reason: choice["native_finish_reason"],
    usage: json["usage"],
  });
}

function ofEvents(events: readonly JsonObject[]): Answer {
  const said = { text: "", reasoning: "", refusal: "" };
  const calls: { id?: string; name: string; arguments: string }[] = [];
  let finish: Json | undefined;
  let native: Json | undefined;
  let usage: Json | undefined;
  for (const event of events) {
    usage = event["usage"] ?? usage;
    if (list(event["choices"]).length === 0) continue;
    const choice = first(event);
    const delta = isObject(choice["delta"]) ? choice["delta"] : { content: choice["text"] };
    said.text += plainText(delta["content"]) ?? "";
    said.reasoning +=
      (delta["reasoning"] as string | undefined) ?? (delta["reasoning_content"] as string | undefined) ?? "";
    said.refusal += (delta["refusal"] as string | undefined) ?? "";
    for (const piece of list(delta["tool_calls"])) {
      const {
        index,
        id,
        function: told,
      } = piece as { index: number; id?: string; function?: { name?: string; arguments?: string } };
      calls[index] ??= { name: "", arguments: "" };
      if (id !== undefined) calls[index].id = id;
      calls[index].name += told?.name ?? "";
      calls[index].arguments += told?.arguments ?? "";
    }
    finish = choice["finish_reason"] ?? finish;
    native = choice["native_finish_reason"] ?? native;
  }
  return tidy({ ...said, tool_calls: calls, finish_reason: finish, native_finish_reason: native, usage });
}

function first(json: JsonObject): JsonObject {
  return list(json["choices"])[0] as JsonObject;
}

function list(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}

function callOf(json: Json): { id: string; name: string; arguments: string } {
  const { id, function: told } = json as { id: string; function: { name: string; arguments: string } };
  return { id, name: told.name, arguments: told.arguments };
}

function plainText(content: Json | undefined): string | undefined {
  if (typeof content === "string") return content;
  return Array.isArray(content)
    ? content.map((part) => (isObject(part) && typeof part["text"] === "string" ? part["text"] : "")).join("")
    : undefined;
}

/** Arguments by their meaning: a stream may write them with other white space than a reply. What is empty is absent. */
function tidy(answer: { [key: string]: unknown }): Answer {
  const calls = answer["tool_calls"] as { arguments: string }[] | undefined;
  const sorted = calls?.map((call) => ({ ...call, arguments: canonical(call.arguments) }));
  const entries: [string, unknown][] = Object.entries({ ...answer, tool_calls: sorted });
  return Object.fromEntries(
    entries.filter(
      ([, value]) =>
        value !== undefined && value !== null && value !== "" && !(Array.isArray(value) && value.length === 0),
    ),
  ) as Answer;
}

function canonical(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
}
