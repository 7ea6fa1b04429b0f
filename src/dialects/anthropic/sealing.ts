import type { Json, JsonObject } from "../../core/json.ts";
import { sealed, unsealed } from "../openai/reasoning.ts";

/**
 * The Messages API has no place to say whose thought a block is: its signature, or its data, carries that. A bare signature, of a
 * thought that did not come through here, is one of Anthropic's, of whatever model.
 */

/** A piece of `reasoning_details` as a block; `undefined`: it has nothing to show and nothing to give back. */
export function thoughtOut(detail: JsonObject): JsonObject | undefined {
  const { text, summary, data } = detail;
  if (typeof data === "string") return { type: "redacted_thinking", data: sealOf(detail, data) };
  const thinking = typeof text === "string" ? text : typeof summary === "string" ? summary : "";
  const signature = sealOf(detail, detail["signature"]);
  return thinking === "" && signature === "" ? undefined : { type: "thinking", thinking, signature };
}

/** What seals a piece: Anthropic's own signature as it is, all that is not text of another's. Empty: it has no owner. */
export function sealOf(detail: JsonObject, signature: Json | undefined): string {
  const { format, model, text: _t, ...rest } = detail;
  const bare = typeof signature === "string" ? signature : "";
  if (typeof format !== "string" || format === "") return bare;
  const whose = typeof model === "string" ? model : "";
  if (format !== "anthropic") {
    const { summary: _s, ...others } = rest;
    return sealed(format, whose, JSON.stringify(others));
  }
  return bare === "" || whose === "" ? bare : sealed(format, whose, bare);
}

/** A block `thinking` or `redacted_thinking` of a caller as a piece of `reasoning_details`. */
export function thoughtIn(block: JsonObject, index: number): JsonObject {
  const { type, thinking, signature, data, ...more } = block;
  const redacted = type === "redacted_thinking";
  const seal = redacted ? data : signature;
  const opened = typeof seal === "string" ? unsealed(seal) : undefined;
  const kind = redacted ? "reasoning.encrypted" : "reasoning.text";
  const said = redacted ? {} : { text: thinking ?? "" };
  if (opened === undefined) {
    const format = typeof seal === "string" && seal !== "" ? "anthropic" : "";
    return {
      type: kind,
      format,
      index,
      ...said,
      ...(redacted ? { data: seal ?? "" } : { signature: seal ?? "" }),
      ...more,
    };
  }
  const { format, model, signature: inner } = opened;
  if (format === "anthropic") {
    return {
      type: kind,
      format,
      model,
      index,
      ...said,
      ...(redacted ? { data: inner } : { signature: inner }),
      ...more,
    };
  }
  const own = parsed(inner);
  const words = own["type"] === "reasoning.summary" ? { summary: thinking ?? "" } : said;
  return { type: kind, format, model, ...words, ...own };
}

function parsed(text: string): JsonObject {
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    return {};
  }
}
