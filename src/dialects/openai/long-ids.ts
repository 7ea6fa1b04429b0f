import { createHash } from "node:crypto";
import type { Body } from "../../core/body.ts";
import { isObject, type Json } from "../../core/json.ts";

/** OpenAI refuses a call's id that is longer. */
const MOST = 40;

/** End of `tool_call_id`; underscores are rarer than what comes before this one. */
const CALL_ID = Buffer.from('_call_id"');
const QUOTE = 0x22;

/** Whether some result in the conversation names a call by an id that is too long: a search of its bytes. May say so in error. */
export function hasLongIds(body: Body): boolean {
  const bytes = body.slice("messages");
  if (bytes === undefined) {
    const messages = body.peek("messages");
    return (
      Array.isArray(messages) &&
      messages.some((one) => isObject(one) && shortId(one["tool_call_id"]) !== one["tool_call_id"])
    );
  }
  for (let at = bytes.indexOf(CALL_ID); at >= 0; at = bytes.indexOf(CALL_ID, at + 1)) {
    const from = bytes.indexOf(QUOTE, at + CALL_ID.length) + 1;
    if (from > 0 && bytes.indexOf(QUOTE, from) - from > MOST) return true;
  }
  return false;
}

/** An id that is too long as one of the same call every time. It only ties a result to its call, so nobody is told. */
export function shortId(id: Json | undefined): Json | undefined {
  if (typeof id !== "string" || id.length <= MOST) return id;
  return `call_${createHash("sha256")
    .update(id)
    .digest("hex")
    .slice(0, MOST - 5)}`;
}
