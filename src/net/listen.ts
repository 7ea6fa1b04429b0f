import {
  createServer as createHttp1,
  type Server as Http1,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { createServer as createHttp2, type Http2Server, type ServerHttp2Session } from "node:http2";
import { type AddressInfo, createServer as createTcp, type Socket, type Server as TcpServer } from "node:net";
import { createServer as createTls, type TLSSocket } from "node:tls";
import { H1Inbound } from "./h1.ts";
import { H2Inbound } from "./h2.ts";
import type { Host } from "./host.ts";

/** PEM texts. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** When set, callers must show a certificate that this authority signed. */
  readonly clientCa: string | undefined;
}

/** How a port behaves. Times in milliseconds. */
export interface ListenSettings {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly tls: TlsFiles | undefined;
  /** From the connection, or from the end of the last exchange, to the end of a request's head. */
  readonly headTimeoutMs: number;
  /** From the start of a request to the end of its body. */
  readonly requestTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly maxConnections: number;
}

export const LISTEN_DEFAULTS = {
  headTimeoutMs: 10_000,
  requestTimeoutMs: 120_000,
  keepAliveTimeoutMs: 75_000,
  maxConnections: 10_000,
} as const;

/** Streams of one h2 connection at once; not sent to callers unless set. */
const MAX_CONCURRENT_STREAMS = 100;
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** An open port. */
export interface Listening {
  readonly port: number;
  /** Ends what is idle and takes nothing new; resolves when every connection has ended. */
  drain(): Promise<void>;
  /** Takes nothing new and cuts every connection. */
  cut(): void;
}

/**
 * One port for HTTP/1.1 and HTTP/2: in the clear the first bytes choose, under TLS the ALPN.
 * Rejects with the system's error, for example `EADDRINUSE`.
 */
export async function listen(settings: ListenSettings, host: Host): Promise<Listening> {
  const http1 = makeHttp1(settings, host);
  const { http2, sessions } = makeHttp2(host);
  const sockets = new Set<Socket>();
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    // An error is followed by close; without a listener it would end the process.
    socket.on("error", () => {});
  };
  const port = settings.tls
    ? createTls(
        {
          cert: settings.tls.cert,
          key: settings.tls.key,
          ALPNProtocols: ["h2", "http/1.1"],
          minVersion: "TLSv1.2",
          handshakeTimeout: settings.headTimeoutMs,
          noDelay: true,
          ...(settings.tls.clientCa && { ca: settings.tls.clientCa, requestCert: true, rejectUnauthorized: true }),
        },
        (socket: TLSSocket) => (socket.alpnProtocol === "h2" ? http2 : http1).emit("connection", socket),
      )
    : createTcp({ noDelay: true }, (socket) => sniff(socket, settings.headTimeoutMs, http1, http2));
  port.maxConnections = settings.maxConnections;
  port.on("connection", track);
  await opened(port, settings);
  return {
    port: (port.address() as AddressInfo).port,
    async drain() {
      const closed = new Promise<void>((resolve) => port.close(() => resolve()));
      draining.add(http1);
      for (const session of sessions) session.close();
      http1.closeIdleConnections();
      for (const socket of sockets) if (waiting.has(socket)) socket.destroy();
      await closed;
      http1.close();
      http2.close();
    },
    cut() {
      port.close();
      for (const session of sessions) session.destroy();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Servers that send no further `keep-alive`. */
const draining = new WeakSet<Http1>();
/** Sockets that have not said yet what they speak. */
const waiting = new WeakSet<Socket>();

function opened(port: TcpServer, { host, port: number }: ListenSettings): Promise<void> {
  return new Promise((resolve, reject) => {
    port.once("error", reject);
    port.listen({ host, port: number, backlog: 1024 }, () => {
      port.removeListener("error", reject);
      resolve();
    });
  });
}

function makeHttp1(settings: ListenSettings, host: Host): Http1 {
  const http1 = createHttp1(
    {
      headersTimeout: settings.headTimeoutMs,
      requestTimeout: settings.requestTimeoutMs,
      keepAliveTimeout: settings.keepAliveTimeoutMs,
      connectionsCheckingInterval: 1_000,
      noDelay: true,
      // Two of what must be one is refused below, in the caller's dialect; the parser refuses framing tricks itself.
      requireHostHeader: false,
    },
    (request: IncomingMessage, response: ServerResponse) => {
      // Its answer may have begun before the end was known, and promised to keep the connection.
      response.on("finish", () => draining.has(http1) && request.socket.destroySoon());
      host.handle(new H1Inbound(request, response, host));
    },
  );
  // A server that never listens does not start its timeout checks by itself.
  http1.emit("listening");
  return http1;
}

function makeHttp2(host: Host) {
  const sessions = new Set<ServerHttp2Session>();
  const http2: Http2Server = createHttp2({
    settings: { maxConcurrentStreams: MAX_CONCURRENT_STREAMS, initialWindowSize: 1024 * 1024 },
    maxSessionMemory: 16,
    maxSettings: 32,
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 100,
  });
  http2.on("session", (session) => {
    sessions.add(session);
    session.setLocalWindowSize(4 * 1024 * 1024);
    session.once("close", () => sessions.delete(session));
    session.on("error", () => {});
  });
  http2.on("stream", (stream, headers, _flags, raw) => host.handle(new H2Inbound(stream, headers, raw, host)));
  http2.on("sessionError", () => {});
  return { http2, sessions };
}

/**
 * Reads until the first bytes tell HTTP/2's preface from HTTP/1.1, gives them back once, and hands the socket over.
 * A socket that stays silent, or stops within the preface, is closed after `timeoutMs`.
 */
function sniff(socket: Socket, timeoutMs: number, http1: Http1, http2: Http2Server): void {
  let held: Buffer | undefined;
  waiting.add(socket);
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  const stop = () => clearTimeout(timer);
  socket.once("close", stop);
  const look = () => {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) return;
    held = held === undefined ? chunk : Buffer.concat([held, chunk]);
    const length = Math.min(held.length, PREFACE.length);
    const same = held.compare(PREFACE, 0, length, 0, length) === 0;
    // "PRI" is no method of HTTP/1.1: three bytes decide against it, but only the whole preface decides for HTTP/2.
    if (same && length < PREFACE.length) return;
    socket.removeListener("readable", look);
    socket.removeListener("close", stop);
    stop();
    waiting.delete(socket);
    socket.unshift(held);
    (same ? http2 : http1).emit("connection", socket);
    // Data that came before the server's own listeners is read only when the stream is told to flow.
    if (!same) socket.resume();
  };
  socket.on("readable", look);
}
