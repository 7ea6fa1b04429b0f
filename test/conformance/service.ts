/** ConformanceService as the runner's protos describe it; nothing of the gateway is in here. */
import { setTimeout as sleep } from "node:timers/promises";
import { create, type Message, type MessageInitShape } from "@bufbuild/protobuf";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import { type Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import {
  BidiStreamRequestSchema,
  ClientStreamRequestSchema,
  ConformancePayload_RequestInfoSchema,
  type ConformancePayloadSchema,
  type ConformanceService,
  type Header,
  IdempotentUnaryRequestSchema,
  ServerStreamRequestSchema,
  UnaryRequestSchema,
  type UnaryResponseDefinition,
  type Error as WantedError,
} from "./gen/connectrpc/conformance/v1/service_pb.js";

type Payload = MessageInitShape<typeof ConformancePayloadSchema>;
/** The part that both kinds of answer have. */
type Wanted = { responseHeaders: Header[]; responseTrailers: Header[] } | undefined;

/** Does what each request says. */
export const conformance: ServiceImpl<typeof ConformanceService> = {
  unary: ({ responseDefinition, ...request }, context) =>
    unary(context, responseDefinition, [anyPack(UnaryRequestSchema, { ...request, ...defined(responseDefinition) })]),
  idempotentUnary: ({ responseDefinition, ...request }, context) =>
    unary(context, responseDefinition, [
      anyPack(IdempotentUnaryRequestSchema, { ...request, ...defined(responseDefinition) }),
    ]),
  async clientStream(requests, context) {
    const timeoutMs = context.timeoutMs();
    let wanted: UnaryResponseDefinition | undefined;
    const seen: Any[] = [];
    for await (const request of requests) {
      if (seen.length === 0) wanted = request.responseDefinition;
      seen.push(anyPack(ClientStreamRequestSchema, request));
    }
    return unary(context, wanted, seen, timeoutMs);
  },
  async *serverStream(request, context) {
    const { responseDefinition } = request;
    tell(context, responseDefinition);
    const seen = [anyPack(ServerStreamRequestSchema, request)];
    let info: Payload["requestInfo"] = infoOf(context, seen);
    for (const data of responseDefinition?.responseData ?? []) {
      await sleep(responseDefinition!.responseDelayMs);
      yield { payload: { data, ...(info && { requestInfo: info }) } };
      info = undefined;
    }
    if (responseDefinition?.error) throw wantedError(responseDefinition.error, info);
  },
  async *bidiStream(requests, context) {
    const timeoutMs = context.timeoutMs();
    let first = true;
    let wanted: MessageInitShape<typeof BidiStreamRequestSchema>["responseDefinition"];
    let fullDuplex = false;
    let sent = 0;
    let seen: Any[] = [];
    const next = async (): Promise<{ payload: Payload }> => {
      const data = wanted!.responseData![sent]!;
      await sleep(wanted!.responseDelayMs);
      const requestInfo = sent === 0 ? infoOf(context, seen, timeoutMs) : { requests: seen };
      const bare = sent > 0 && !fullDuplex;
      sent++;
      if (fullDuplex) seen = [];
      return { payload: { data, ...(!bare && { requestInfo }) } };
    };
    for await (const request of requests) {
      if (first) {
        ({ responseDefinition: wanted, fullDuplex } = request);
        tell(context, request.responseDefinition);
        first = false;
      }
      seen.push(anyPack(BidiStreamRequestSchema, request));
      if (!fullDuplex) continue;
      if (sent >= (wanted?.responseData?.length ?? 0)) break;
      yield await next();
    }
    while (sent < (wanted?.responseData?.length ?? 0)) yield await next();
    if (wanted?.error)
      throw wantedError(wanted.error as WantedError, sent === 0 ? infoOf(context, seen, timeoutMs) : undefined);
  },
  unimplemented() {
    throw new ConnectError("unimplemented", 12 as Code);
  },
};

async function unary(
  context: HandlerContext,
  wanted: UnaryResponseDefinition | undefined,
  seen: Any[],
  timeoutMs = context.timeoutMs(),
) {
  tell(context, wanted);
  const requestInfo = infoOf(context, seen, timeoutMs);
  await sleep(wanted?.responseDelayMs ?? 0);
  if (wanted?.response.case === "error") throw wantedError(wanted.response.value, requestInfo);
  const data = wanted?.response.case === "responseData" ? wanted.response.value : new Uint8Array(0);
  return { payload: { data, requestInfo } };
}

function defined<T>(responseDefinition: T | undefined): { responseDefinition?: T } {
  return responseDefinition === undefined ? {} : { responseDefinition };
}

function tell({ responseHeader, responseTrailer }: HandlerContext, wanted: Wanted): void {
  for (const { name, value } of wanted?.responseHeaders ?? [])
    for (const one of value) responseHeader.append(name, one);
  for (const { name, value } of wanted?.responseTrailers ?? []) {
    for (const one of value) responseTrailer.append(name, one);
  }
}

/** @param timeoutMs What was left when the call began; the runner's other messages take their time. */
function infoOf(context: HandlerContext, requests: Any[], timeoutMs = context.timeoutMs()) {
  const query = context.requestMethod === "GET" ? [...new URL(context.url).searchParams] : undefined;
  return create(ConformancePayload_RequestInfoSchema, {
    requestHeaders: [...context.requestHeader].map(([name, value]) => ({ name, value: [value] })),
    requests,
    ...(timeoutMs !== undefined && { timeoutMs: BigInt(timeoutMs) }),
    ...(query && { connectGetInfo: { queryParams: query.map(([name, value]) => ({ name, value: [value] })) } }),
  });
}

function wantedError({ code, message, details }: WantedError, info: Payload["requestInfo"]): ConnectError {
  const error = new ConnectError(message ?? "", code as number as Code);
  const all = details.map(({ typeUrl, value }) => ({ type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1), value }));
  error.details = info ? [...all, { desc: ConformancePayload_RequestInfoSchema, value: info as Message }] : all;
  return error;
}
