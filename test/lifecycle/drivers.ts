/** The same streamed question over every protocol, and what its caller saw. */
import { connect as connectHttp2 } from "node:http2";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { ChatService, Role } from "../../gen/polygate/v1/chat_pb.js";

/** How a stream looked from the caller's side. */
export interface Seen {
  /** Content of the deltas, joined. */
  text: string;
  /** `whole`: the protocol said that it is complete. `failed`: it said that it is not. `bare`: it said neither. */
  end: "whole" | "failed" | "bare";
  /** Terminal events that came; must be 1. */
  terminals: number;
  /** The reason of the failure as the protocol has it: OpenAI's type, or the gRPC code's name. */
  why: string | undefined;
}

export interface Asking {
  /** Aborts the caller's side. */
  readonly signal?: AbortSignal;
  /** The caller's deadline, in the protocol's own header. */
  readonly timeoutMs?: number;
  /** Called for each piece of text, awaited before the next is read. */
  readonly onText?: (text: string) => unknown;
}

export interface Driver {
  readonly name: string;
  stream(url: string, asking?: Asking): Promise<Seen>;
}

const QUESTION = { model: "chat", messages: [{ role: "user", content: "hi" }] };
const seen = (): Seen => ({ text: "", end: "bare", terminals: 0, why: undefined });

/** Reads server-sent events strictly: what is not an event, or comes after a terminal one, is an error of the test. */
async function readEvents(
  body: AsyncIterable<Uint8Array | string>,
  into: Seen,
  onText: Asking["onText"],
): Promise<void> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    rest += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
    for (;;) {
      const at = rest.indexOf("\n\n");
      if (at < 0) break;
      const frame = rest.slice(0, at);
      rest = rest.slice(at + 2);
      if (frame.startsWith(":")) continue;
      if (!frame.startsWith("data: ")) throw new Error(`not an event: ${frame}`);
      if (into.terminals > 0) throw new Error(`after the end: ${frame}`);
      await take(frame.slice(6), into, onText);
    }
  }
  if (rest !== "") throw new Error(`half an event: ${rest}`);
}

async function take(data: string, into: Seen, onText: Asking["onText"]): Promise<void> {
  if (data === "[DONE]") {
    into.terminals++;
    into.end = "whole";
    return;
  }
  const json = JSON.parse(data);
  if (json.error) {
    into.terminals++;
    into.end = "failed";
    into.why = json.error.type;
    return;
  }
  const text = json.choices[0]?.delta?.content ?? "";
  into.text += text;
  await onText?.(text);
}

function rest(name: string, path: string, question: object): Driver {
  return {
    name,
    async stream(url, { signal, timeoutMs, onText } = {}) {
      const into = seen();
      const headers: Record<string, string> = { "content-type": "application/json" };
      if (timeoutMs !== undefined) headers["x-request-timeout-ms"] = String(timeoutMs);
      const body = JSON.stringify({ ...question, stream: true });
      const reply = await fetch(url + path, { method: "POST", headers, body, ...(signal && { signal }) });
      if (reply.status !== 200) {
        const json = (await reply.json()) as { error?: { type: string }; detail?: string };
        return { ...into, end: "failed", terminals: 1, why: json.error?.type ?? String(reply.status) };
      }
      await readEvents(reply.body!, into, onText);
      return into;
    },
  };
}

const openaiOverHttp2: Driver = {
  name: "openai/h2",
  async stream(url, { signal, timeoutMs, onText } = {}) {
    const into = seen();
    const session = connectHttp2(url);
    session.on("error", () => {});
    try {
      const headers: Record<string, string> = { ":method": "POST", ":path": "/v1/chat/completions" };
      headers["content-type"] = "application/json";
      if (timeoutMs !== undefined) headers["x-request-timeout-ms"] = String(timeoutMs);
      const request = session.request(headers, signal && { signal });
      request.end(JSON.stringify({ ...QUESTION, stream: true }));
      const status = await new Promise<number>((resolve, reject) => {
        request.on("response", (response) => resolve(Number(response[":status"])));
        request.on("error", reject);
      });
      if (status === 200) await readEvents(request, into, onText);
      else {
        let text = "";
        for await (const chunk of request) text += chunk;
        return { ...into, end: "failed", terminals: 1, why: JSON.parse(text).error.type };
      }
      return into;
    } finally {
      session.close();
    }
  },
};

function typed(name: string, transportOf: (url: string) => Transport): Driver {
  return {
    name,
    async stream(url, { signal, timeoutMs, onText } = {}) {
      const into = seen();
      const client = createClient(ChatService, transportOf(url));
      const chat = { model: "chat", messages: [{ role: Role.USER, content: { case: "text", value: "hi" } as const }] };
      try {
        let served = 0;
        for await (const piece of client.streamChat(
          { chat },
          { ...(signal && { signal }), ...(timeoutMs && { timeoutMs }) },
        )) {
          const text = piece.choices[0]?.delta?.content ?? "";
          into.text += text;
          if (piece.served) served++;
          await onText?.(text);
        }
        // A stream that ends well must have said who answered, once, in its last message.
        return { ...into, end: served === 1 ? "whole" : "bare", terminals: served };
      } catch (thrown) {
        const error = ConnectError.from(thrown);
        return { ...into, end: "failed", terminals: 1, why: Code[error.code] };
      }
    },
  };
}

/** Every protocol, over the HTTP versions that it has. */
export const drivers: readonly Driver[] = [
  rest("openai/h1", "/v1/chat/completions", QUESTION),
  openaiOverHttp2,
  rest("mlflow/h1", "/gateway/chat/invocations", { messages: QUESTION.messages }),
  typed("connect-json/h1", (baseUrl) =>
    createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false }),
  ),
  typed("connect/h2", (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: true })),
  typed("grpc", (baseUrl) => createGrpcTransport({ baseUrl })),
  typed("grpc-web/h1", (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" })),
];
