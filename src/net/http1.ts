import { createServer, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { errors } from "../core/errors.ts";
import { http1Flaw } from "./guard.ts";
import { H1Inbound, WAITING } from "./h1.ts";
import type { Port } from "./host.ts";
import type { ListenSettings } from "./listen.ts";

/** Node's own check of slow requests answers without a body: it is the last resort, this long after ours, milliseconds. */
const LATER_MS = 5_000;
/** How long a caller whose bytes were no request may take to read what is told, milliseconds. */
const LAST_WORDS_MS = 1_000;

/** The newest answer of a connection. */
const ANSWER = Symbol("answer");
type Answering = Socket & { [ANSWER]?: ServerResponse; [WAITING]?: number };

/** @param checkMs How often timeouts are looked at. */
export function makeHttp1(settings: ListenSettings, port: Port, checkMs: number): Server {
  const { maxHeaders } = settings;
  const http1 = createServer(
    {
      headersTimeout: settings.headTimeoutMs,
      requestTimeout: Math.max(settings.requestTimeoutMs, settings.headTimeoutMs) + LATER_MS,
      keepAliveTimeout: settings.idleTimeoutMs,
      connectionsCheckingInterval: checkMs,
      maxHeaderSize: settings.maxHeaderBytes,
      noDelay: true,
      // What the parser lets pass is refused below, in the caller's dialect.
      requireHostHeader: false,
    },
    (request, response) => {
      const socket = request.socket as Answering;
      socket[ANSWER] = response;
      socket[WAITING] = (socket[WAITING] ?? 0) + 1;
      const many = socket[WAITING] > settings.maxConcurrentStreams;
      const flaw = many ? errors.overloaded() : http1Flaw(request, maxHeaders);
      const inbound = new H1Inbound(request, response, port);
      // Where one request ends and the next begins is in doubt.
      if (flaw) inbound.always.push("connection", "close");
      port.host.handle(inbound, flaw);
    },
  );
  // The parser drops what is over its limit without a word; ours says so.
  http1.maxHeadersCount = maxHeaders + 1;
  http1.on("clientError", (error: NodeJS.ErrnoException, socket) => refuse(error, socket as Socket));
  // A server that never listens does not start its timeout checks by itself.
  http1.emit("listening");
  return http1;
}

const refused = new WeakSet<Socket>();

/** Bytes that are no request, or came too slowly. Within an answer nothing can be told: what follows it would belong to it. */
function refuse({ code }: NodeJS.ErrnoException, socket: Answering): void {
  const answer = socket[ANSWER];
  if (!socket.writable || (answer?.headersSent && !answer.writableFinished)) {
    socket.destroy();
    return;
  }
  // What still comes is no request either.
  if (refused.has(socket)) return;
  refused.add(socket);
  socket.end(refusal(code));
  const timer = setTimeout(() => socket.destroy(), LAST_WORDS_MS);
  socket.once("close", () => clearTimeout(timer));
}

/** No path was read, so that nobody knows the caller's dialect: it is told in the words that most clients read. */
function refusal(code: string | undefined): string {
  const [status, why] = REFUSALS[code ?? ""] ?? ["400 Bad Request", "The bytes are not a request of HTTP/1.1."];
  const body = JSON.stringify({ error: { message: why, type: "invalid_request_error", param: null, code: null } });
  return `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`;
}

const REFUSALS: Readonly<Record<string, readonly [status: string, why: string]>> = {
  HPE_HEADER_OVERFLOW: ["431 Request Header Fields Too Large", "The head of the request is over the limit."],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ["413 Content Too Large", "The extensions of a chunk are over the limit."],
  ERR_HTTP_REQUEST_TIMEOUT: ["408 Request Timeout", "The request was not complete in time."],
};
