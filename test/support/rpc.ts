/** Connect's own clients in every form of the wire, and providers within the process for what they call. */
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import type { Exchange, ReplyHeaders } from "../../src/core/provider.ts";
import type { RouteType, Site } from "../../src/core/site.ts";
import { protocol } from "../../src/protocols/connect/index.ts";
import { events, fixture } from "./canned.ts";
import { type OpenDoor, openDoor, siteOf } from "./door.ts";
import { targetOf } from "./plan.ts";

/** A way to call, over the HTTP versions that it has. */
export const WIRES: readonly (readonly [name: string, transport: (baseUrl: string) => Transport])[] = [
  ["gRPC", (baseUrl) => createGrpcTransport({ baseUrl })],
  ["gRPC-web on HTTP/1.1", (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" })],
  ["gRPC-web on HTTP/2", (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "2" })],
  [
    "Connect JSON on HTTP/1.1",
    (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false }),
  ],
  [
    "Connect JSON on HTTP/2",
    (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: false }),
  ],
  ["Connect binary on HTTP/1.1", (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1" })],
  ["Connect binary on HTTP/2", (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2" })],
];

/** A provider's answer: its head, then each chunk in a turn of its own, then the end unless `open`. */
export interface Said {
  readonly status?: number;
  readonly headers?: ReplyHeaders;
  readonly chunks: readonly (Buffer | string)[];
  /** Says nothing more and does not end. */
  readonly open?: boolean;
}

/** An exchange that answers by what it was asked, and remembers what it was asked and told. */
export interface Provider {
  readonly exchange: Exchange;
  readonly asked: Record<string, unknown>[];
  /** `pause`, `resume` and `abort`, of all exchanges. */
  readonly told: string[];
  /** Resolves with the next `abort`. */
  aborted(): Promise<void>;
}

export function provider(say: (asked: Record<string, unknown>) => Said = fluent): Provider {
  const asked: Record<string, unknown>[] = [];
  const told: string[] = [];
  let abort = Promise.withResolvers<void>();
  const exchange: Exchange = ({ body }, receiver) => {
    const question = JSON.parse(body.toString());
    asked.push(question);
    const { status = 200, headers = {}, chunks, open = false } = say(question);
    let over = false;
    let paused = false;
    let at = -1;
    const step = () => {
      if (over || paused) return;
      if (at < 0)
        receiver.onHead(status, {
          "content-type": question["stream"] ? "text/event-stream" : "application/json",
          ...headers,
        });
      else if (at < chunks.length) receiver.onData(Buffer.from(chunks[at] as string));
      else {
        over = true;
        if (!open) receiver.onEnd(true);
        return;
      }
      at++;
      setImmediate(step);
    };
    setImmediate(step);
    return {
      pause() {
        told.push("pause");
        paused = true;
      },
      resume() {
        told.push("resume");
        if (!paused) return;
        paused = false;
        setImmediate(step);
      },
      abort() {
        told.push("abort");
        over = true;
        abort.resolve();
        abort = Promise.withResolvers();
      },
    };
  };
  return { exchange, asked, told, aborted: () => abort.promise };
}

/** What a provider says that knows chat, completions and embeddings: the fixtures. */
export function fluent(asked: Record<string, unknown>): Said {
  const name = "messages" in asked ? "chat" : "prompt" in asked ? "completions" : "embeddings";
  if (name === "embeddings") return { chunks: [fixture("embeddings.json")] };
  return { chunks: asked["stream"] ? events(fixture(`${name}.sse`)) : [fixture(`${name}.json`)] };
}

/** The production port with this protocol alone, and three routes that one provider answers. */
export function openRpc({ exchange }: Pick<Provider, "exchange">, over: Partial<Site> = {}): Promise<OpenDoor> {
  const types: readonly RouteType[] = ["llm/v1/chat", "llm/v1/completions", "llm/v1/embeddings"];
  const routes = types.map((type) => ({ name: type.slice("llm/v1/".length), type, targets: [targetOf(exchange)] }));
  return openDoor(siteOf(routes, over), (door) => protocol.mounts(door));
}

/** What a caller can read of a failure. Throws when there was none. */
export async function failure(call: Promise<unknown>) {
  const error = await call.then(
    (value) => {
      throw new Error(`It was answered: ${JSON.stringify(value)}`);
    },
    (thrown: unknown) => ConnectError.from(thrown),
  );
  const [info] = error.findDetails(ErrorInfoSchema);
  const [retry] = error.findDetails(RetryInfoSchema);
  const [bad] = error.findDetails(BadRequestSchema);
  return {
    code: Code[error.code],
    message: error.rawMessage,
    reason: info?.reason,
    domain: info?.domain,
    facts: info?.metadata ?? {},
    retryDelay: retry?.retryDelay,
    violations: bad?.fieldViolations.map(({ field, description }) => ({ field, description })),
    requestId: error.metadata.get("x-request-id"),
  };
}

/** All messages of a stream. */
export async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const messages: T[] = [];
  for await (const message of stream) messages.push(message);
  return messages;
}
