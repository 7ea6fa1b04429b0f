import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { errors, GatewayError } from "../core/errors.ts";
import { NOBODY } from "../core/grants.ts";
import type { Seen } from "../core/protocol.ts";
import { http1Flaw } from "./guard.ts";
import { H1Inbound, inboundOf, WAITING } from "./h1.ts";
import type { Port } from "./host.ts";
import type { ListenSettings } from "./listen.ts";

/** Node's own check of slow requests answers without a body: it is the last resort, this long after ours, milliseconds. */
const LATER_MS = 5_000;
/** How long a caller whose bytes were no request may take to read what is told, milliseconds. */
const LAST_WORDS_MS = 1_000;

/** The newest answer of a connection. */
const ANSWER = Symbol("answer");
type Answering = Socket & { [ANSWER]?: ServerResponse; [WAITING]?: number };

/**
 * The server of connections that speak HTTP/1.
 *
 * @param checkMs How often timeouts are looked at.
 */
export function makeHttp1(settings: ListenSettings, port: Port, checkMs: number) {
  const { maxHeaders } = settings;
  function take(request: IncomingMessage, response: ServerResponse): void {
    const socket = request.socket as Answering;
    socket[ANSWER] = response;
    socket[WAITING] = (socket[WAITING] ?? 0) + 1;
    const many = socket[WAITING] > settings.maxConcurrentStreams;
    const flaw = many ? errors.overloaded() : http1Flaw(request, maxHeaders);
    const inbound = new H1Inbound(request, response, port);
    // Where one request ends and the next begins is in doubt.
    if (flaw) inbound.always.push("connection", "close");
    port.host.handle(inbound, flaw);
  }
  const http1: Server = createServer(
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
    take,
  );
  // Who waits to be asked for the body is asked when somebody wants it, which is after it was not refused.
  http1.on("checkContinue", take);
  http1.on("checkExpectation", take);
  http1.on("connect", (_request, socket) => refuse({ code: CONNECT }, socket as Socket, port));
  // The parser drops what is over its limit without a word; ours says so.
  http1.maxHeadersCount = maxHeaders + 1;
  http1.on("clientError", (error: NodeJS.ErrnoException, socket) => refuse(error, socket as Socket, port));
  // A server that never listens does not start its timeout checks by itself.
  http1.emit("listening");
  const sockets = new Set<Answering>();
  http1.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return {
    http1,
    /** Ends connections without a whole request; those that never sent one, too, which Node does not take for idle. */
    endIdle: () => {
      for (const socket of sockets) if (!socket[WAITING]) socket.destroySoon();
    },
  };
}

/** Stands for the code of a parser, which reads it and goes no further. */
const CONNECT = "CONNECT";

const refused = new WeakSet<Socket>();

/** Bytes that are no request, or came too slowly. Within an answer nothing can be told: what follows it would belong to it. */
function refuse({ code = "" }: Pick<NodeJS.ErrnoException, "code">, socket: Answering, port: Port): void {
  const answer = socket[ANSWER];
  const asked = socket[WAITING] ? inboundOf(answer!) : undefined;
  const gone = code === "ECONNRESET" || !socket.writable || (code === "HPE_INVALID_EOF_STATE" && asked);
  if (gone || (answer?.headersSent && !answer.writableFinished)) {
    socket.destroy();
    return;
  }
  // What still comes is no request either.
  if (refused.has(socket)) return;
  refused.add(socket);
  // The rest of a body that was refused; who sends it is given the time to read that.
  if (answer?.writableFinished && !answer.req.complete) {
    socket.end();
    return;
  }
  const error = refusalOf(code);
  // A request that waits for its answer gets that, or is the one that is spoilt; and the connection ends with it.
  if (asked?.spoil(error)) return;
  const id = port.host.newId();
  socket.end(wordsOf(error, id));
  const timer = setTimeout(() => socket.destroy(), LAST_WORDS_MS);
  socket.once("close", () => clearTimeout(timer));
  if (asked === undefined) port.host.unread?.(unread(error, id, socket, port));
}

/** No path was read, so that nobody knows the caller's dialect: it is told in the words that most clients read. */
function wordsOf({ http, message }: GatewayError, id: string): string {
  const body = JSON.stringify({ error: { message, type: "invalid_request_error", param: null, code: null } });
  const head = `HTTP/1.1 ${http} ${STATUS_CODES[http]}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
  return `${head}\r\nx-request-id: ${id}\r\nconnection: close\r\n\r\n${body}`;
}

function unread(error: GatewayError, id: string, socket: Socket, { host }: Port): Seen {
  const remote = socket.remoteAddress ?? "";
  const seen = { id, remote, error, status: error.http, started: host.clock.now(), method: "", path: "", headers: {} };
  return { ...seen, principal: NOBODY, protocol: "", call: undefined };
}

/** Why the parser stopped, by its code. */
function refusalOf(code: string): GatewayError {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return new GatewayError("The head of the request is over the limit.", { reason: "BODY_TOO_LARGE", http: 431 });
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return new GatewayError("The extensions of a chunk are over the limit.", { reason: "BODY_TOO_LARGE" });
    case CONNECT:
      return errors.bodyMalformed("CONNECT is not taken; this is no proxy.");
    case "ERR_HTTP_REQUEST_TIMEOUT": {
      const why = "The request was not complete in time.";
      return new GatewayError(why, { reason: "DEADLINE_PASSED", http: 408, limit: "caller" });
    }
    default:
      return errors.bodyMalformed("The bytes are not a request of HTTP/1.1.");
  }
}
