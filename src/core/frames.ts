import { createParser } from "eventsource-parser";
import { type JsonObject, parsedObject } from "./json.ts";
import type { StreamDecoder } from "./provider.ts";
import { MAX_EVENT_BYTES, type StreamListener } from "./sse.ts";

const NEWLINE = 0x0a;

/**
 * Takes one event of a provider's stream.
 *
 * @param event The event's name in server-sent events; empty: it has none.
 */
export type EachEvent = (json: JsonObject, event: string) => void;

/**
 * Reads server-sent events whose data is one JSON object each, in a provider's own words. `data: [DONE]` is told as `onDone`;
 * an event that is not an object, or is larger than `MAX_EVENT_BYTES`, as `onBad`.
 *
 * @param on Whom to tell; `each` tells it of the events.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export function jsonEvents(on: StreamListener, each: EachEvent, maxEventBytes = MAX_EVENT_BYTES): StreamDecoder {
  const decoder = new TextDecoder();
  let over = false;
  /** Bytes since the last whole event: all that the parser keeps, and all that can grow. */
  let pending = 0;
  const end = (tell: () => void) => {
    over = true;
    tell();
  };
  const parser = createParser({
    onComment() {
      pending = 0;
    },
    onEvent({ data, event = "" }) {
      pending = 0;
      if (over) return;
      const json = data === "[DONE]" ? undefined : parsedObject(data);
      if (json !== undefined) each(json, event);
      else if (data === "[DONE]") end(() => on.onDone());
      else end(() => on.onBad("an event is not a JSON object"));
    },
  });
  return {
    push(chunk) {
      if (over) return;
      pending += chunk.length;
      parser.feed(decoder.decode(chunk, { stream: true }));
      if (!over && pending > maxEventBytes) end(() => on.onBad(`one event is larger than ${maxEventBytes} bytes`));
    },
    finish() {
      // A last event without its blank line is read too: the end of the body is as good an end.
      if (!over) parser.feed(`${decoder.decode()}\n\n`);
      return false;
    },
    stop() {
      over = true;
    },
  };
}

/** Reads JSON objects that stand one to a line, with white space around them or not. The rest is as in `jsonEvents`. */
export function jsonLines(on: StreamListener, each: EachEvent, maxEventBytes = MAX_EVENT_BYTES): StreamDecoder {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let over = false;
  const bad = (why: string) => {
    over = true;
    on.onBad(why);
  };
  const line = (bytes: Buffer) => {
    const text = bytes.toString("utf8").trim();
    if (text === "") return;
    const json = parsedObject(text);
    if (json === undefined) bad("a line is not a JSON object");
    else each(json, "");
  };
  const hold = (bytes: Buffer) => {
    if (bytes.length === 0) return;
    held.push(bytes);
    heldBytes += bytes.length;
    if (heldBytes > maxEventBytes) bad(`one event is larger than ${maxEventBytes} bytes`);
  };
  const take = () => {
    const all = held.length === 1 ? held[0]! : Buffer.concat(held);
    held = [];
    heldBytes = 0;
    return all;
  };
  return {
    push(chunk) {
      let from = 0;
      for (let at = chunk.indexOf(NEWLINE); at >= 0 && !over; at = chunk.indexOf(NEWLINE, from)) {
        hold(chunk.subarray(from, at + 1));
        from = at + 1;
        if (!over) line(take());
      }
      if (!over) hold(chunk.subarray(from));
    },
    finish() {
      if (over || heldBytes === 0) return false;
      const rest = take();
      // Half a line is no answer; a whole one may lack its newline.
      if (parsedObject(rest.toString("utf8")) === undefined) return rest.toString("utf8").trim() !== "";
      line(rest);
      return false;
    },
    stop() {
      over = true;
    },
  };
}
