import type { JsonObject } from "./json.ts";

/** What stands before a piece of text in nearly every event. */
const MARK = '"content":"';

/**
 * Knows events that differ from the last one that was parsed in one string alone, as the pieces of a text do: those are JSON when
 * that was, and say the same but for that string. Where `MARK` stands in JSON a string begins at its end: were its last quote
 * the end of one, it would stand before a colon or a comma or a bracket, and it follows a colon.
 */
export class Alike {
  private head = "";
  private tail = "";

  /** @param json Of `text`: an event that tells neither of an error nor of usage nor of an end. */
  learn(text: string, json: JsonObject): void {
    this.head = "";
    if (json["error"] !== undefined || json["usage"] || isLast(json)) return;
    const at = text.indexOf(MARK);
    if (at < 0) return;
    const from = at + MARK.length;
    const end = text.indexOf('"', from);
    if (!isPlain(text, from, end)) return;
    this.head = text.slice(0, from);
    this.tail = text.slice(end);
  }

  /** Whether the event is like the last one that was learnt. */
  knows(text: string): boolean {
    const { head, tail } = this;
    if (head === "" || text.length < head.length + tail.length) return false;
    return text.startsWith(head) && text.endsWith(tail) && isPlain(text, head.length, text.length - tail.length);
  }
}

/** Whether `[from, to)` may stand within a string as it is. */
function isPlain(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const c = text.charCodeAt(i);
    if (c < 0x20 || c === 0x22 || c === 0x5c) return false;
  }
  return true;
}

/** Whether some choice has its finish reason. */
function isLast({ choices }: JsonObject): boolean {
  if (!Array.isArray(choices)) return false;
  return choices.some((one) => typeof one === "object" && one !== null && "finish_reason" in one && one.finish_reason);
}
