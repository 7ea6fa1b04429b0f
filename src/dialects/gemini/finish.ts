import { words } from "../../core/words.ts";
import type { FinishReason } from "../openai/make.ts";

/** The reasons for which a candidate was cut or held back; of others it came to its end. */
const HELD_BACK = new Set([
  ...words(`
    SAFETY RECITATION LANGUAGE BLOCKLIST PROHIBITED_CONTENT SPII OTHER MODEL_ARMOR IMAGE_SAFETY
    IMAGE_PROHIBITED_CONTENT IMAGE_RECITATION IMAGE_OTHER NO_IMAGE
  `),
  // What the model wrote as a call is none, and nobody gets it to see.
  ...words("MALFORMED_FUNCTION_CALL UNEXPECTED_TOOL_CALL TOO_MANY_TOOL_CALLS MALFORMED_RESPONSE"),
]);

/**
 * Google's `finishReason` in the common shape.
 *
 * @param calls Whether the candidate calls functions: Google says STOP then, too.
 * @see https://ai.google.dev/api/generate-content#FinishReason
 */
export function finishOf(reason: string | undefined, calls: boolean): FinishReason {
  if (reason === "MAX_TOKENS" || reason === "CONTINUATION") return "length";
  if (reason !== undefined && HELD_BACK.has(reason)) return "content_filter";
  return calls ? "tool_calls" : "stop";
}

/** Google's words for what other providers say. */
const REASONS: Readonly<Record<string, string>> = {
  stop: "STOP",
  tool_calls: "STOP",
  function_call: "STOP",
  length: "MAX_TOKENS",
  content_filter: "SAFETY",
};

/** Every word that Google has; a provider's own word that is one of them is told as it is. */
const KNOWN = new Set(["STOP", "MAX_TOKENS", "CONTINUATION", ...HELD_BACK]);

/** A common finish reason in Google's words. */
export function reasonOf(finish: string, native: unknown): string {
  if (typeof native === "string" && KNOWN.has(native)) return native;
  return REASONS[finish] ?? "OTHER";
}
