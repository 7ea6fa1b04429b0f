import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { present } from "../openai/make.ts";
import { sealed, unsealed } from "../openai/reasoning.ts";

/** Marks a list of `reasoning_details` within `encrypted_content`, where the caller's dialect has no place for one. */
const OURS = "details";

/**
 * What a model thought, as an item: its text as summary, and all that it takes to give it back within `encrypted_content`,
 * which is what callers keep for that. Of their own nobody can read it: a signature stays what it is.
 */
export function reasoningItem(id: string, text: string, details: readonly Json[], encrypted: boolean): JsonObject {
  const summary = text === "" ? [] : [{ type: "summary_text", text }];
  return present({
    id,
    type: "reasoning",
    summary,
    encrypted_content: encrypted && details.length > 0 ? sealed(OURS, "", JSON.stringify(details)) : undefined,
  });
}

/** What an item of a caller says that a model thought, as members of the assistant's message. */
export function thoughtsOf(item: JsonObject): JsonObject {
  const text = [...textsOf(item["content"]), ...textsOf(item["summary"])].join("\n");
  return present({ reasoning: text === "" ? undefined : text, reasoning_details: detailsOf(item) });
}

function detailsOf(item: JsonObject): Json[] | undefined {
  const { encrypted_content: content, id } = item;
  if (typeof content !== "string" || content === "") return undefined;
  const ours = unsealed(content);
  if (ours?.format !== OURS)
    return [present({ type: "reasoning.encrypted", format: "openai-responses", data: content, id })];
  try {
    const details: unknown = JSON.parse(ours.signature);
    return Array.isArray(details) ? (details.filter(isObject) as Json[]) : undefined;
  } catch {
    return undefined;
  }
}

function textsOf(parts: Json | undefined): string[] {
  if (!Array.isArray(parts)) return [];
  return parts.flatMap((part) => (isObject(part) && typeof part["text"] === "string" ? part["text"] : []));
}
