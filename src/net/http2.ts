import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import { headFlaw } from "./guard.ts";
import { H2Inbound } from "./h2.ts";
import type { Port } from "./host.ts";
import type { ListenSettings } from "./listen.ts";

/** Headers of a request beside those that callers choose: `:method`, `:path`, `:scheme`, `:authority`. */
const PSEUDO = 4;

/** The server of connections that speak HTTP/2, and the connections. */
export function makeHttp2(settings: ListenSettings, port: Port) {
  const sessions = new Set<ServerHttp2Session>();
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
  http2.on("session", (session) => {
    sessions.add(session);
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
    port.host.handle(new H2Inbound(stream, headers, raw, port), headFlaw(raw, maxHeaders));
  });
  http2.on("sessionError", () => {});
  return { http2, sessions };
}
