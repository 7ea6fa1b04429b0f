/** AWS's binary event stream, as a server writes it. https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html */
import { EventStreamCodec } from "@smithy/eventstream-codec";

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes as Uint8Array).toString("utf8"),
  (text) => Buffer.from(text, "utf8"),
);

function frame(headers: Readonly<Record<string, string>>, body: string): Buffer {
  const typed = Object.entries(headers).map(([name, value]) => [name, { type: "string", value }] as const);
  return Buffer.from(codec.encode({ headers: Object.fromEntries(typed) as never, body: Buffer.from(body, "utf8") }));
}

/** One event: its type, and what it says. */
export function eventFrame(type: string, json: unknown): Buffer {
  const headers = { ":event-type": type, ":content-type": "application/json", ":message-type": "event" };
  return frame(headers, JSON.stringify(json));
}

/** What a model said within an event of Bedrock's, in the model's own words. */
export function chunkFrame(json: unknown): Buffer {
  return eventFrame("chunk", { bytes: Buffer.from(JSON.stringify(json)).toString("base64"), p: "abcdefgh" });
}

/** A failure within a stream. */
export function exceptionFrame(type: string, message: string): Buffer {
  const headers = { ":exception-type": type, ":content-type": "application/json", ":message-type": "exception" };
  return frame(headers, JSON.stringify({ message }));
}

/** A failure that the service does not model. */
export function errorFrame(code: string, message: string): Buffer {
  return frame({ ":error-code": code, ":error-message": message, ":message-type": "error" }, "");
}
