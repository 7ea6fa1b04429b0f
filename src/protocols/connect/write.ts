import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import type { Inbound } from "../../core/protocol.ts";
import type { Caller } from "./caller.ts";
import { headersOut, type Speech } from "./headers.ts";

/**
 * Sends a handler's answer. A slow reader holds the handler back; nothing more is asked of it when the caller has left.
 *
 * @param caller Absent for an answer of a few bytes.
 */
export async function write(
  inbound: Inbound,
  { status, header, body, trailer }: UniversalServerResponse,
  { text }: Speech,
  caller?: Caller,
): Promise<void> {
  // One chunk whose length is told is a whole answer; the length is added again when it is sent.
  const whole = body === undefined || header?.has("content-length");
  header?.delete("content-length");
  const headers = headersOut(header, inbound.always);
  const pack = text ? base64 : bytes;
  if (text) headers.splice(0, headers.length, ...headers.map(asText));
  const messages = body?.[Symbol.asyncIterator]();
  let chunk = await messages?.next();
  if (whole || chunk === undefined || messages === undefined) {
    inbound.send(status, headers, chunk === undefined || chunk.done ? "" : pack(chunk.value));
    return;
  }
  inbound.open(status, headers, trailer !== undefined);
  while (!chunk.done) {
    if (!inbound.write(pack(chunk.value))) await caller?.drain();
    if (caller?.gone) {
      await messages.return?.();
      return;
    }
    chunk = await messages.next();
  }
  inbound.close(trailer && headersOut(trailer));
}

function bytes(chunk: Uint8Array): Buffer {
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

/** Each chunk on its own, padded: readers of gRPC-web's text form take the padding for the end of a part. */
function base64(chunk: Uint8Array): string {
  return bytes(chunk).toString("base64");
}

function asText(value: string): string {
  return value.startsWith("application/grpc-web") ? value.replace("grpc-web", "grpc-web-text") : value;
}
