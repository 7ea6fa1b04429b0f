import type { DescMethod, JsonReadOptions, JsonWriteOptions } from "@bufbuild/protobuf";
import { ConnectError, createContextValues } from "@connectrpc/connect";
import type { Compression, UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { asGatewayError, errors, type GatewayError } from "../../core/errors.ts";
import type { Permission } from "../../core/principal.ts";
import type { Endpoint, Inbound } from "../../core/protocol.ts";
import type { Door } from "../../core/site.ts";
import { BodyStream, bodyOf } from "./body.ts";
import { CALLER, Caller } from "./caller.ts";
import { directly } from "./direct/direct.ts";
import type { Shortcut } from "./direct/shortcut.ts";
import { fromThrown } from "./errors.ts";
import { headersIn, type Speech, speechOf, timeoutOf } from "./headers.ts";
import { refusalIn } from "./refusal.ts";
import { refuse, unsupportedType } from "./refuse.ts";
import { write } from "./write.ts";

/** Bytes around a message in its envelope. */
const ENVELOPE = 5;

/** What an adapter needs of the port that it serves. */
export interface Adapting {
  readonly clock: Door["clock"];
  /** Largest request message, as sent. */
  maxBytes(): number;
  /** Leaves reasons and details away: the conformance suite wants refusals to have none. */
  readonly bare?: boolean;
  /** As the handlers were made with. */
  readonly packers: readonly Compression[];
  readonly json?: Partial<JsonReadOptions & JsonWriteOptions>;
  /** How methods are served without messages. */
  readonly shortcuts?: ReadonlyMap<DescMethod, Shortcut>;
}

/**
 * A method's endpoints: POST, and GET for what has no side effects.
 *
 * @param implementation Of the handler's service.
 * @param permission What the method asks of its callers.
 */
export function endpointsOf(
  handler: UniversalHandler,
  implementation: object,
  adapting: Adapting,
  permission: Permission,
): Endpoint[] {
  const direct = directly(handler, implementation, adapting, (caller, body) => {
    void answer(handler, caller, speechOf(caller.inbound.headers), bodyOf(body), adapting);
  });
  return handler.allowedMethods.map((method) => ({
    method,
    path: handler.requestPath,
    permission,
    handle(inbound) {
      if (method === "POST" && direct?.(inbound)) return;
      serve(handler, inbound, adapting);
    },
  }));
}

/**
 * Connect's handlers over our own exchanges; five times as fast as the adapter that connect-node has. A single request
 * message is collected before the handler is asked, a stream of them is passed on as it comes.
 */
function serve(handler: UniversalHandler, inbound: Inbound, adapting: Adapting): void {
  const speech = speechOf(inbound.headers);
  inbound.protocol = speech.protocol;
  if (speech.protocol === "grpc" && !inbound.http2) {
    refuse(inbound, errors.operationUnsupported("gRPC needs HTTP/2."));
    return;
  }
  const caller = new Caller(inbound);
  const { methodKind } = handler.method;
  if (inbound.method === "GET") void answer(handler, caller, speech, bodyOf(NOTHING), adapting);
  else if (methodKind === "unary" || methodKind === "server_streaming") collect(handler, caller, speech, adapting);
  else {
    const body = new BodyStream(caller);
    void answer(handler, caller, speech, body, adapting).then(() => body.return());
  }
}

const NOTHING = new Uint8Array(0);

/** Reads the one message that is asked with, while the caller's deadline runs already. */
function collect(handler: UniversalHandler, caller: Caller, speech: Speech, adapting: Adapting): void {
  const { inbound } = caller;
  const { clock } = adapting;
  const limit = adapting.maxBytes();
  let over = false;
  const stop = (error: GatewayError) => {
    if (over) return;
    over = true;
    if (timer !== undefined) clock.cancel(timer);
    if (caller.gone) inbound.error = error;
    else refuse(inbound, error, adapting.bare);
  };
  const timeoutMs = timeoutOf(inbound.headers);
  const timer =
    timeoutMs === undefined
      ? undefined
      : clock.after(Math.max(0, inbound.started + timeoutMs - clock.now()), () =>
          stop(errors.deadline("The caller's deadline passed before its request was complete.", "caller")),
        );
  caller.onEnd(stop);
  const most = (speech.text ? Math.ceil(limit / 3) * 4 : limit) + (speech.enveloped ? ENVELOPE : 0);
  inbound.collect(most, (error, bytes) => {
    if (error) stop(error.fault.reason === "BODY_TOO_LARGE" ? errors.bodyTooLarge(limit) : error);
    if (over) return;
    over = true;
    if (timer !== undefined) clock.cancel(timer);
    const message = speech.text ? Buffer.from(bytes.toString("latin1"), "base64") : bytes;
    void answer(handler, caller, speech, bodyOf(message), adapting);
  });
}

/** Never rejects. */
async function answer(
  handler: UniversalHandler,
  caller: Caller,
  speech: Speech,
  body: AsyncIterable<Uint8Array>,
  { bare }: Adapting,
): Promise<void> {
  const { inbound } = caller;
  try {
    const response = await handler({
      httpVersion: inbound.http2 ? "2.0" : "1.1",
      method: inbound.method,
      // No handler reads the authority, and callers may write what is none.
      url: `http://gateway${inbound.path}?${inbound.query}`,
      header: headersIn(inbound, speech),
      body,
      signal: caller.signal,
      contextValues: createContextValues().set(CALLER, caller),
    });
    if (!bare && !caller.reached) await refuseAsTold(caller, response, speech, handler.method.methodKind !== "unary");
    else await write(response, speech, caller);
  } catch (thrown) {
    const error = asGatewayError(thrown);
    inbound.error ??= error;
    if (inbound.status === 0) refuse(inbound, error, bare);
    else inbound.reset();
  }
}

/** Connect refused by itself: bytes that are no message, an unknown compression. It is told like any other refusal. */
async function refuseAsTold(
  caller: Caller,
  response: UniversalServerResponse,
  speech: Speech,
  streams: boolean,
): Promise<void> {
  const { inbound } = caller;
  if (response.status === 415) {
    refuse(inbound, unsupportedType(speech, streams));
    return;
  }
  const told = await refusalIn(response);
  if (told === undefined) {
    await write(response, speech, caller);
    return;
  }
  // Connect's words can quote the request, which is the caller's to read and not the log's.
  inbound.error = fromThrown(new ConnectError("The request is not one message of its method", told.code));
  refuse(inbound, fromThrown(told));
}
