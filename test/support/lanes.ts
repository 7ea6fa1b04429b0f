/** Ports that are as small as they can be: one with the gateway's own reading of HTTP/1.1, one with Node's alone. */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import type { GatewayError } from "../../src/core/errors.ts";
import type { Inbound } from "../../src/core/protocol.ts";
import { realClock } from "../../src/net/clock.ts";
import type { Host, Port } from "../../src/net/host.ts";
import { makeHttp1 } from "../../src/net/http1.ts";
import { LISTEN_DEFAULTS, type Listening, type ListenSettings, listen } from "../../src/net/listen.ts";
import { OpenSet } from "../../src/net/open.ts";

export type Handle = (inbound: Inbound, flaw?: GatewayError) => void;

/** An open port. `await using` closes it. */
export interface LanePort extends AsyncDisposable {
  readonly port: number;
  readonly open: Host["open"];
  /** Exchanges that are over, in the order in which they ended. */
  readonly finished: readonly Inbound[];
  /** Absent: Node's alone. */
  readonly listening?: Listening;
}

function hostOf(handle: Handle, finished: Inbound[]): Host {
  let ids = 0;
  return {
    clock: realClock,
    newId: () => `id-${ids++}`,
    open: new OpenSet(),
    handle,
    refuse: (inbound, error) => inbound.send(error.http, [], error.message),
    finished: (inbound) => void finished.push(inbound),
  };
}

const settingsOf = (over: Partial<ListenSettings>): ListenSettings => ({
  ...LISTEN_DEFAULTS,
  host: "127.0.0.1",
  port: 0,
  tls: undefined,
  ...over,
});

/** The gateway's port. */
export async function lanePort(handle: Handle, over: Partial<ListenSettings> = {}): Promise<LanePort> {
  const finished: Inbound[] = [];
  const host = hostOf(handle, finished);
  const listening = await listen(settingsOf(over), host);
  return {
    port: listening.port,
    open: host.open,
    finished,
    listening,
    async [Symbol.asyncDispose]() {
      listening.cut();
      await listening.drain();
    },
  };
}

/** A port on which every byte goes to Node's server. */
export async function nodePort(handle: Handle, over: Partial<ListenSettings> = {}): Promise<LanePort> {
  const finished: Inbound[] = [];
  const host = hostOf(handle, finished);
  const settings = settingsOf(over);
  const { requestTimeoutMs, stallTimeoutMs, maxBufferedBytes } = settings;
  const memory = { used: 0, max: maxBufferedBytes };
  const shared: Port = { host, memory, requestTimeoutMs, stallTimeoutMs, draining: false };
  const { http1 } = makeHttp1(settings, shared, 1_000);
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => {});
    http1.emit("connection", socket);
  });
  server.listen(0, settings.host);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    open: host.open,
    finished,
    async [Symbol.asyncDispose]() {
      http1.closeAllConnections();
      http1.close();
      server.close();
      await new Promise(setImmediate);
    },
  };
}

/** One answer as it came. */
export interface Answer {
  readonly status: number;
  /** By lower-case name, sorted; without the date and the request's id. */
  readonly headers: readonly string[];
  readonly body: string;
}

/**
 * Reads answers one after the other as a strict client does; throws on a byte that is none of one. What was asked with HEAD says so
 * in `x-method`.
 */
export function answersOf(text: string): { answers: Answer[]; rest: string } {
  const answers: Answer[] = [];
  let rest = text;
  for (;;) {
    const end = rest.indexOf("\r\n\r\n");
    if (end < 0) break;
    const [line, ...lines] = rest.slice(0, end).split("\r\n");
    const [, status] = /^HTTP\/1\.1 (\d{3}) [\w' -]+$/.exec(line!) ?? [];
    if (status === undefined) throw new Error(`no answer begins with ${JSON.stringify(rest.slice(0, 80))}`);
    const headers = lines.map((one) => one.replace(/^[\w-]+/, (name) => name.toLowerCase()));
    const body = bodyOf(Number(status), headers, rest.slice(end + 4));
    if (body === undefined) break;
    const kept = headers.filter((one) => !/^(date|x-request-id):/.test(one)).sort();
    answers.push({ status: Number(status), headers: kept, body: body.text });
    rest = body.rest;
  }
  return { answers, rest };
}

/** `undefined`: not all of it has come. */
function bodyOf(status: number, headers: readonly string[], text: string): { text: string; rest: string } | undefined {
  if (status < 200 || status === 204 || status === 304 || headers.includes("x-method: HEAD"))
    return { text: "", rest: text };
  const length = headers.find((one) => one.startsWith("content-length:"));
  const chunked = headers.includes("transfer-encoding: chunked");
  if ((length !== undefined) === chunked) throw new Error(`framed in no way, or in two: ${headers.join(", ")}`);
  if (length !== undefined) {
    const bytes = Number(length.slice(15));
    return text.length < bytes ? undefined : { text: text.slice(0, bytes), rest: text.slice(bytes) };
  }
  let whole = "";
  let rest = text;
  for (;;) {
    const [head, size] = /^([\da-f]+)\r\n/.exec(rest) ?? [];
    if (head === undefined) {
      if (/^[\da-f]*\r?$/.test(rest)) return undefined;
      throw new Error(`no chunk begins with ${JSON.stringify(rest.slice(0, 40))}`);
    }
    const bytes = Number.parseInt(size!, 16);
    const next = head.length + bytes + 2;
    if (rest.length < next) return undefined;
    if (rest.slice(next - 2, next) !== "\r\n") throw new Error("a chunk does not end where it says");
    whole += rest.slice(head.length, next - 2);
    rest = rest.slice(next);
    if (bytes === 0) return { text: whole, rest };
  }
}

/** Lets what was sent be read and answered: client and server are turns of one loop. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
}
