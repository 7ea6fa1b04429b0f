import { isObject, type JsonObject } from "../../core/json.ts";
import { type ReasoningDetail, unsealed } from "../openai/reasoning.ts";

const MARK = "pg1.";

/**
 * A piece of reasoning as a `thoughtSignature`, so that it comes back with whose it is and where it belongs. Google's SDKs read
 * signatures as base64 with padding, and so it is written.
 *
 * @param detail What is in its `text` is not taken in: it stands beside.
 */
export function sealedDetail(detail: Readonly<JsonObject>): string {
  const { text: _, ...sealed } = detail;
  return Buffer.from(MARK + JSON.stringify(sealed)).toString("base64");
}

/**
 * The piece that `sealedDetail` made a signature of. A bare signature is one that a caller got from Google without a gateway: it is
 * Gemini's, of a model that nobody knows.
 */
export function detailOf(signature: string): ReasoningDetail {
  const text = Buffer.from(signature, "base64").toString("utf8");
  if (text.startsWith(MARK)) {
    try {
      const detail: unknown = JSON.parse(text.slice(MARK.length));
      if (isObject(detail) && typeof detail["type"] === "string") return detail as ReasoningDetail;
    } catch {
      // It is none of ours: a signature may begin as it likes.
    }
  }
  const other = unsealed(signature);
  if (other) {
    const { format, model } = other;
    return { type: "reasoning.encrypted", format, model, data: other.signature };
  }
  const bare: JsonObject = { type: "reasoning.encrypted", format: "gemini", data: signature };
  return bare as ReasoningDetail;
}
