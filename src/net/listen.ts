import { type AddressInfo, createServer as createTcp, type Socket, type Server as TcpServer } from "node:net";
import { createServer as createTls, type TLSSocket } from "node:tls";
import type { Host, Port } from "./host.ts";
import { makeHttp1 } from "./http1.ts";
import { makeHttp2 } from "./http2.ts";
import { Lanes } from "./lanes.ts";
import { sniff, waiting } from "./sniff.ts";

/** PEM texts. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** When set, callers must show a certificate that this authority signed. */
  readonly clientCa: string | undefined;
}

/** How a port behaves. Times in milliseconds. What each protects from: docs/hardening.md. */
export interface ListenSettings {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly tls: TlsFiles | undefined;
  /** From the connection, or from the end of the last exchange, to the end of a request's head. */
  readonly headTimeoutMs: number;
  /** From the start of a request to the end of its body. */
  readonly requestTimeoutMs: number;
  /** For a connection without a request. */
  readonly idleTimeoutMs: number;
  /** For an answer of which the caller takes nothing. */
  readonly stallTimeoutMs: number;
  /** Connections at a time; more are closed at once. */
  readonly maxConnections: number;
  readonly maxHeaderBytes: number;
  readonly maxHeaders: number;
  /** Requests at a time over one HTTP/2 connection. */
  readonly maxConcurrentStreams: number;
  /** Bytes of request bodies in memory at a time. */
  readonly maxBufferedBytes: number;
  /** Several threads listen on the same port, and the kernel spreads connections over them. */
  readonly reusePort?: boolean;
}

/** The limits of a port whose config says nothing of them. */
export const LISTEN_DEFAULTS: Omit<ListenSettings, "host" | "port" | "tls" | "reusePort"> = {
  headTimeoutMs: 10_000,
  requestTimeoutMs: 120_000,
  idleTimeoutMs: 75_000,
  stallTimeoutMs: 60_000,
  maxConnections: 10_000,
  maxHeaderBytes: 16 * 1024,
  maxHeaders: 100,
  maxConcurrentStreams: 100,
  maxBufferedBytes: 512 * 1024 * 1024,
};

/** Longest time between two looks at what takes too long, milliseconds. */
const CHECK_MS = 1_000;

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
  const shared = portOf(settings, host);
  const checkMs = Math.min(CHECK_MS, settings.headTimeoutMs, settings.requestTimeoutMs, settings.stallTimeoutMs);
  const { http1, endIdle } = makeHttp1(settings, shared, checkMs);
  const lanes = new Lanes(settings, shared, http1);
  const { http2, ...sessions } = makeHttp2(settings, shared);
  const sockets = new Set<Socket>();
  /** Sockets whose TLS handshake is not done, by the caller's address: the one that is told when it is done is another. */
  const shaking = new Map<string, Socket>();
  const track = (socket: Socket) => {
    const caller = callerOf(socket);
    sockets.add(socket);
    if (settings.tls) shaking.set(caller, socket);
    socket.once("close", () => {
      sockets.delete(socket);
      if (shaking.get(caller) === socket) shaking.delete(caller);
    });
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
        (socket: TLSSocket) => {
          shaking.delete(callerOf(socket));
          if (socket.alpnProtocol === "h2") http2.emit("connection", socket);
          else lanes.take(socket);
        },
      )
    : createTcp({ noDelay: true }, (socket) => sniff(socket, settings.headTimeoutMs, lanes, http2));
  port.maxConnections = settings.maxConnections;
  port.on("connection", track);
  // A handshake that fails, or takes too long, is told here and left open.
  port.on("tlsClientError", (_error: Error, socket: TLSSocket) => socket.destroy());
  await opened(port, settings);
  const sweep = setInterval(() => {
    look(host);
    lanes.look(host.clock.now());
    sessions.look();
  }, checkMs).unref();
  return {
    port: (port.address() as AddressInfo).port,
    async drain() {
      const closed = new Promise<void>((resolve) => port.close(() => resolve()));
      shared.draining = true;
      sessions.drain();
      endIdle();
      lanes.endIdle();
      for (const socket of sockets) if (waiting.has(socket)) socket.destroy();
      for (const socket of shaking.values()) socket.destroy();
      await closed;
      http1.close();
      http2.close();
      clearInterval(sweep);
    },
    cut() {
      port.close();
      http1.close();
      http2.close();
      clearInterval(sweep);
      sessions.cut();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function opened(port: TcpServer, { host, port: number, reusePort = false }: ListenSettings): Promise<void> {
  return new Promise((resolve, reject) => {
    port.once("error", reject);
    port.listen({ host, port: number, backlog: 4096, reusePort }, () => {
      port.removeListener("error", reject);
      resolve();
    });
  });
}

function callerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function portOf(settings: ListenSettings, host: Host): Port {
  return {
    host,
    memory: { used: 0, max: settings.maxBufferedBytes },
    requestTimeoutMs: settings.requestTimeoutMs,
    stallTimeoutMs: settings.stallTimeoutMs,
    draining: false,
  };
}

/** One timer looks at all exchanges, so that none needs a timer of its own. */
function look({ open, clock }: Host): void {
  const now = clock.now();
  for (const exchange of open) exchange.look(now);
}
