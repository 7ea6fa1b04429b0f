import type { Body } from "../../core/body.ts";
import type { Call } from "../../core/call.ts";
import type { Counted } from "../../core/counting.ts";
import type { GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Inbound, Sink } from "../../core/protocol.ts";
import { errorHeaders, JSON_HEAD, STREAM_HEAD } from "../../core/rest.ts";
import { servedHeaders } from "../../core/served.ts";
import { embedReply } from "../../dialects/gemini/embeddings-caller.ts";
import { googleError } from "../../dialects/gemini/fault.ts";
import { generateReply } from "../../dialects/gemini/reply-out.ts";
import { GenerateStream } from "../../dialects/gemini/stream-out.ts";

/** What the answer looks like: by its method, and of a stream as server-sent events or as one JSON list. */
export type Form = "generateContent" | "countTokens" | "embedContent" | "batchEmbedContents" | "events" | "list";

/** Headers of a stream that is one JSON list, as Google answers without `alt=sse`. */
const LIST_HEAD = ["content-type", "application/json; charset=utf-8", ...STREAM_HEAD.slice(2)];

/** Answers one caller of Google's API. */
export class GeminiSink implements Sink {
  readonly raw = false;
  private readonly inbound: Inbound;
  private readonly form: Form;
  private stream: GenerateStream | undefined = undefined;
  private told = 0;

  constructor(inbound: Inbound, form: Form) {
    this.inbound = inbound;
    this.form = form;
  }

  reply(call: Call, body: Body): void {
    this.inbound.send(200, [...JSON_HEAD, ...servedHeaders(call)], JSON.stringify(this.said(body.json)));
  }

  head(call: Call): void {
    const head = this.form === "list" ? LIST_HEAD : STREAM_HEAD;
    this.inbound.open(200, [...head, ...servedHeaders(call)]);
    this.stream = new GenerateStream();
  }

  /** Never called: this end takes events. */
  data(): boolean {
    return true;
  }

  event(json: JsonObject): boolean {
    let room = true;
    for (const one of this.stream!.event(json)) room = this.write(one);
    return room;
  }

  end(): void {
    this.write(this.stream!.end());
    this.close();
  }

  fail(call: Call | undefined, error: GatewayError): void {
    if (this.stream === undefined) {
      refuse(this.inbound, error, call === undefined ? [] : servedHeaders(call));
      return;
    }
    this.inbound.error = error;
    this.write(googleError(error));
    this.close();
  }

  private said(json: Readonly<JsonObject>): JsonObject {
    if (this.form === "embedContent" || this.form === "batchEmbedContents") {
      return embedReply(json, this.form === "batchEmbedContents");
    }
    return this.form === "countTokens" ? countReply(json as Counted) : generateReply(json);
  }

  private write(json: JsonObject): boolean {
    const text = JSON.stringify(json);
    if (this.form === "events") return this.inbound.write(`data: ${text}\r\n\r\n`);
    return this.inbound.write(`${this.told++ === 0 ? "[" : ",\r\n"}${text}`);
  }

  private close(): void {
    if (this.form === "list") this.inbound.write("]\n");
    this.inbound.close();
  }
}

/** Another API's count has other names for it. */
function countReply({ input_tokens, told }: Counted): JsonObject {
  return told["totalTokens"] === undefined ? { totalTokens: input_tokens } : told;
}

/** Answers with `{"error": ...}`, in Google's form. */
export function refuse(inbound: Inbound, error: GatewayError, served: readonly string[] = []): void {
  inbound.error = error;
  inbound.send(error.http, [...JSON_HEAD, ...errorHeaders(error), ...served], JSON.stringify(googleError(error)));
}
