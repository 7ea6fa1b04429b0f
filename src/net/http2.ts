import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import { http2Flaw } from "./guard.ts";
import { H2Inbound } from "./h2.ts";
import type { Port } from "./host.ts";
import type { ListenSettings } from "./listen.ts";

/** Headers of a request beside those that callers choose: `:method`, `:path`, `:scheme`, `:authority`. */
const PSEUDO = 4;

/** How long a caller whose connection is over may take to read what was told and to close its side, milliseconds. */
const LAST_WORDS_MS = 200;

// One listener for all connections.
function endSoon(this: Socket): void {
  const timer = setTimeout(() => this.destroy(), LAST_WORDS_MS);
  this.once("close", () => clearTimeout(timer));
}

/** The server of connections that speak HTTP/2, and the connections. */
export function makeHttp2(settings: ListenSettings, port: Port) {
  const sessions = new Map<ServerHttp2Session, Socket>();
  const maxHeaders = settings.maxHeaders + PSEUDO;
  const http2: Http2Server = createServer({
    settings: {
      maxConcurrentStreams: settings.maxConcurrentStreams,
      initialWindowSize: 1024 * 1024,
      maxHeaderListSize: settings.maxHeaderBytes,
    },
    // More than that is not even told: the stream is reset.
    maxHeaderListPairs: maxHeaders * 2,
    maxSessionMemory: 16,
    maxSettings: 32,
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 100,
  });
  // A session hands out its socket through a proxy that ends nothing.
  let newest: Socket;
  http2.prependListener("connection", (socket: Socket) => {
    newest = socket;
  });
  http2.on("session", (session) => {
    sessions.set(session, newest);
    session.setLocalWindowSize(4 * 1024 * 1024);
    session.once("close", () => sessions.delete(session));
    session.on("error", () => {});
    session.setTimeout(settings.idleTimeoutMs);
    session.on("timeout", () => {
      // What waits for a provider makes no sound either.
      for (const one of port.host.open) if (one instanceof H2Inbound && one.isOf(session)) return;
      session.close();
    });
  });
  http2.on("stream", (stream, headers, _flags, raw) => {
    port.host.handle(new H2Inbound(stream, headers, port), http2Flaw(raw, maxHeaders, settings.maxHeaderBytes));
  });
  http2.on("sessionError", () => {});
  const over = new WeakSet<ServerHttp2Session>();
  return {
    http2,
    /** Called about once a second: cuts connections whose last word is out, or is not taken, and that the caller keeps open. */
    look() {
      for (const [session, socket] of sessions) {
        if (!session.destroyed) continue;
        if (over.has(session)) socket.destroy();
        over.add(session);
      }
    },
    /** Tells every caller to go. A connection without a request ends at once, one with requests when they are answered. */
    drain() {
      for (const [session, socket] of sessions) {
        socket.once("finish", endSoon);
        session.close();
      }
    },
    cut() {
      for (const session of sessions.keys()) session.destroy();
    },
  };
}
