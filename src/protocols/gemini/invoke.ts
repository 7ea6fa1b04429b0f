import { arrive } from "../../core/arrival.ts";
import { Body } from "../../core/body.ts";
import { Call, type Operation } from "../../core/call.ts";
import { counting } from "../../core/counting.ts";
import { asGatewayError, errors } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { collectPlain, notJson } from "../../core/plain.ts";
import type { Inbound } from "../../core/protocol.ts";
import { tie } from "../../core/rest.ts";
import { run } from "../../core/run.ts";
import type { Door } from "../../core/site.ts";
import { embedRequest } from "../../dialects/gemini/embeddings-caller.ts";
import { chatRequest } from "../../dialects/gemini/request-in.ts";
import { type Form, GeminiSink, refuse } from "./sink.ts";

/** One thing that can be asked of a model. */
interface Method {
  readonly op: Operation;
  readonly stream?: boolean;
  /** The request in the common shape. */
  common(json: Readonly<JsonObject>, route: string): JsonObject;
}

const METHODS: Readonly<Record<string, Method>> = {
  generateContent: { op: "chat", common: (json, route) => chatRequest(json, route, false) },
  streamGenerateContent: { op: "chat", stream: true, common: (json, route) => chatRequest(json, route, true) },
  countTokens: { op: "chat", common: counted },
  embedContent: { op: "embeddings", common: (json, route) => embedRequest(json, route, false) },
  batchEmbedContents: { op: "embeddings", common: (json, route) => embedRequest(json, route, true) },
};

/** Calls a route: `asked` is its name and what is wanted of it, with a colon between. The last colon counts. */
export function invoke(door: Door, inbound: Inbound, asked: string): void {
  const colon = asked.lastIndexOf(":");
  const name = asked.slice(0, Math.max(0, colon));
  const verb = asked.slice(colon + 1);
  const method = colon > 0 && Object.hasOwn(METHODS, verb) ? METHODS[verb]! : undefined;
  const wrong = method === undefined ? errors.pathUnknown(inbound.method, inbound.path) : notJson(inbound);
  if (method === undefined || wrong) {
    refuse(inbound, wrong!);
    return;
  }
  const { site } = door;
  collectPlain(inbound, site.maxRequestBytes, (error, bytes) => {
    try {
      if (error) throw error;
      const answering = site.plan(method.op, name);
      const plan = verb === "countTokens" ? counting(answering, inbound.principal) : answering;
      const body = Body.ofJson(method.common(Body.ofBytes(bytes).json, name));
      const call = new Call(arrive(inbound, "gemini", "gemini"), plan, body, method.stream === true);
      inbound.call = call;
      tie(inbound, run(call, new GeminiSink(inbound, formOf(verb, inbound.query)), door.clock));
    } catch (thrown) {
      refuse(inbound, asGatewayError(thrown));
    }
  });
}

function formOf(verb: string, query: string): Form {
  if (verb !== "streamGenerateContent") return verb as Form;
  return new URLSearchParams(query).get("alt") === "sse" ? "events" : "list";
}

/** A count is asked of contents alone, or of a whole request. */
function counted(json: Readonly<JsonObject>, route: string): JsonObject {
  const whole = json["generateContentRequest"] ?? json["generate_content_request"];
  return chatRequest((whole ?? json) as JsonObject, route, false);
}
