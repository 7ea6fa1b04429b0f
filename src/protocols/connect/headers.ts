import { parseTimeout as parseConnectTimeout } from "@connectrpc/connect/protocol-connect";
import { parseTimeout as parseGrpcTimeout } from "@connectrpc/connect/protocol-grpc";
import { header } from "../../core/arrival.ts";
import type { HeaderMap } from "../../core/call.ts";
import type { Inbound } from "../../core/protocol.ts";

/** What a caller speaks, by the type of its message. `text`: gRPC-web in base64, as browsers without binary streams do. */
export interface Speech {
  readonly protocol: "grpc" | "grpc-web" | "connect";
  /** As sent; empty when there is none. */
  readonly type: string;
  readonly text: boolean;
  /** Whether messages come in envelopes, 5 bytes each. */
  readonly enveloped: boolean;
}

const TIMEOUTS = ["grpc-timeout", "connect-timeout-ms"];
/** Longest time that a timer can wait; a longer deadline is none. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** What a request speaks, by its content type. */
export function speechOf(headers: HeaderMap): Speech {
  const type = header(headers, "content-type") ?? "";
  const plain = type.toLowerCase();
  const web = plain.startsWith("application/grpc-web");
  const protocol = web ? "grpc-web" : plain.startsWith("application/grpc") ? "grpc" : "connect";
  return {
    protocol,
    type,
    text: plain.startsWith("application/grpc-web-text"),
    enveloped: protocol !== "connect" || plain.startsWith("application/connect+"),
  };
}

/** The caller's own deadline in milliseconds from its start; `undefined`: none, or one that a handler will refuse. */
export function timeoutOf(headers: HeaderMap): number | undefined {
  const grpc = header(headers, "grpc-timeout");
  const { timeoutMs, error } =
    grpc === undefined
      ? parseConnectTimeout(header(headers, "connect-timeout-ms") ?? null, MAX_TIMER_MS)
      : parseGrpcTimeout(grpc, MAX_TIMER_MS);
  return error ? undefined : timeoutMs;
}

/** The request's headers for a handler. */
export function headersIn({ headers }: Inbound, { text, type }: Speech): Headers {
  const all = new Headers();
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || name.startsWith(":")) continue;
    if (TIMEOUTS.includes(name) && isEndless(name, value)) continue;
    try {
      if (typeof value === "string") all.set(name, value);
      else for (const one of value) all.append(name, one);
    } catch {
      // No name or value that a handler reads is outside what `Headers` takes.
    }
  }
  if (text) all.set("content-type", type.replace(/-text/i, ""));
  return all;
}

function isEndless(name: string, value: string | readonly string[]): boolean {
  const parse = name === "grpc-timeout" ? parseGrpcTimeout : parseConnectTimeout;
  const { timeoutMs } = parse(String(value), MAX_TIMER_MS);
  return timeoutMs !== undefined && timeoutMs > MAX_TIMER_MS;
}

/** An answer's headers or trailers, flat; less those that are sent with every answer. */
export function headersOut(headers: Headers | undefined, always: readonly string[] = []): string[] {
  const flat: string[] = [];
  headers?.forEach((value, name) => {
    if (!always.includes(name)) flat.push(name, value);
  });
  return flat;
}
