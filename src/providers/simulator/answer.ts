import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import type { Outgoing, ReplyHeaders } from "../../core/provider.ts";
import { chat } from "./chat.ts";
import { chatEvents, chatReply } from "./chat-wire.ts";
import { completion, completionEvents, completionReply } from "./completions.ts";
import { embeddingsReply } from "./embeddings.ts";
import { csvReply, INVOCATIONS, predictionsReply } from "./predictions.ts";
import { flag, Refusal, wantsUsage } from "./request.ts";
import { requestHash } from "./seed.ts";
import { type Frame, modelLabel } from "./text.ts";

/** An answer as a server would send it: `chunks` is the body, made bit by bit as it is read. */
export interface Answer {
  readonly status: number;
  readonly headers: ReplyHeaders;
  readonly chunks: Iterable<Buffer>;
}

/** The paths that the simulator has; OpenAI's own, and MLflow's. */
export const PATHS = {
  chat: "/v1/chat/completions",
  completions: "/v1/completions",
  embeddings: "/v1/embeddings",
  predictions: INVOCATIONS,
} as const;

/**
 * Answers one request. Never throws: what cannot be answered is refused with an error in OpenAI's form.
 *
 * @param reply The text of every answer; empty: a sentence that repeats what was said.
 * @param created Seconds since 1970.
 */
export function answer({ path, headers, body }: Outgoing, reply: string, created: number): Answer {
  try {
    if (headers.includes("text/csv")) return whole(csvReply(body.toString()));
    if (path === PATHS.predictions) return whole(predictionsReply(parse(body)));
    return answerTo(path, parse(body), reply, created);
  } catch (thrown) {
    if (thrown instanceof Refusal) return refusal(thrown.status, thrown.message, thrown.param);
    return refusal(500, `The simulator failed, which is a defect of it: ${String(thrown)}`);
  }
}

function answerTo(path: string, request: JsonObject, reply: string, created: number): Answer {
  const model = modelLabel(request["model"]);
  const streamed = flag(request, "stream");
  const usage = wantsUsage(request);
  const hash = requestHash(request);
  const prefix = path === PATHS.chat ? "chatcmpl" : "cmpl";
  const frame: Frame = { id: `${prefix}-sim-${hash.slice(0, 24)}`, created, model };
  switch (path) {
    case PATHS.chat: {
      const made = chat(request, hash, reply);
      return streamed ? stream(chatEvents(made, frame, usage)) : whole(chatReply(made, frame));
    }
    case PATHS.completions: {
      const made = completion(request, hash, reply);
      return streamed ? stream(completionEvents(made, frame, usage)) : whole(completionReply(made, frame));
    }
    case PATHS.embeddings:
      return whole(embeddingsReply(request, model));
    default:
      throw new Refusal(`The simulator has nothing at ${path}.`, null, 404);
  }
}

/** An error in OpenAI's form. https://platform.openai.com/docs/guides/error-codes/api-errors */
export function refusal(
  status: number,
  message: string,
  param: string | null = null,
  headers: ReplyHeaders = {},
): Answer {
  const [type, code] = KINDS[status] ?? (status < 500 ? ["invalid_request_error", null] : ["server_error", null]);
  return whole({ error: { message, type, param, code } }, status, headers);
}

const KINDS: Readonly<Record<number, readonly [type: string, code: string | null]>> = {
  401: ["authentication_error", "invalid_api_key"],
  403: ["permission_error", null],
  404: ["invalid_request_error", "not_found"],
  429: ["rate_limit_error", "rate_limit_exceeded"],
};

function whole(json: JsonObject, status = 200, headers: ReplyHeaders = {}): Answer {
  const bytes = Buffer.from(JSON.stringify(json));
  return { status, headers: { "content-type": "application/json", ...headers }, chunks: [bytes] };
}

function stream(events: Iterable<JsonObject>): Answer {
  return { status: 200, headers: { "content-type": "text/event-stream; charset=utf-8" }, chunks: framed(events) };
}

function* framed(events: Iterable<JsonObject>): Generator<Buffer> {
  for (const event of events) yield frameOf(JSON.stringify(event));
  yield frameOf("[DONE]");
}

/** One server-sent event. */
export const frameOf = (data: string): Buffer => Buffer.from(`data: ${data}\n\n`);

function parse(body: Buffer): JsonObject {
  let json: Json;
  try {
    json = JSON.parse(body.toString("utf8")) as Json;
  } catch {
    throw new Refusal("The body is not valid JSON.", null);
  }
  if (!isObject(json)) throw new Refusal("The body must be one JSON object.", null);
  return json;
}
