import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import type { Inbound } from "../../core/protocol.ts";
import type { Caller } from "./caller.ts";
import { headersOut, type Speech } from "./headers.ts";

/** Sends a handler's answer. A slow reader holds the handler back; nothing more is asked of it when the caller has left. */
export async function write(
  { status, header, body, trailer }: UniversalServerResponse,
  { text }: Speech,
  caller: Caller,
): Promise<void> {
  const { inbound } = caller;
  // One chunk whose length is told is a whole answer; the length is added again when it is sent.
  const whole = body === undefined || header?.has("content-length");
  header?.delete("content-length");
  const headers = headersFor(inbound, header, text);
  const pack = text ? base64 : bytes;
  const messages = body?.[Symbol.asyncIterator]();
  let chunk = await messages?.next();
  if (whole || chunk === undefined || messages === undefined) {
    inbound.send(status, headers, chunk === undefined || chunk.done ? "" : pack(chunk.value));
    return;
  }
  inbound.open(status, headers, trailer !== undefined);
  while (!chunk.done) {
    if (!inbound.write(pack(chunk.value))) await caller.drain();
    if (caller.gone) {
      await messages.return?.();
      return;
    }
    chunk = await messages.next();
  }
  inbound.close(trailer && headersOut(trailer));
}

/**
 * Sends an answer without messages at once: one block of headers for gRPC ("Trailers-Only"), else one with a body of known
 * length. A caller may end its request as soon as it has seen the head, shorter than it had said, and nghttp2 then resets
 * the stream: whatever had not left with the head would be lost. connect-go does.
 */
export async function writeWhole(
  inbound: Inbound,
  { status, header, body, trailer }: UniversalServerResponse,
  { text }: Speech,
): Promise<void> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body ?? []) chunks.push(chunk);
  header?.delete("content-length");
  const all = Buffer.concat(chunks);
  const headers = [...headersFor(inbound, header, text), ...headersOut(trailer)];
  inbound.send(status, headers, text ? all.toString("base64") : all);
}

function headersFor({ always, call }: Inbound, header: Headers | undefined, text: boolean): string[] {
  const headers = [...headersOut(header, always), ...(call?.plan.notice ?? [])];
  return text ? headers.map(asText) : headers;
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
