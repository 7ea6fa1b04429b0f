import type { GatewayError } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { CallPlaces } from "../openai/call-places.ts";
import { withThoughts } from "../openai/reasoning.ts";
import { CallItem, type Item, type Tell, TextItem, ThoughtItem } from "./items.ts";
import { wantsThoughts } from "./reply-out.ts";
import { endingOf, headOf, logprobsFor, type ResponseHead, responseOf, usageFor } from "./response.ts";

/** Takes one event; false: the caller does not read fast enough. */
export type Emit = (event: JsonObject & { readonly type: string }) => boolean;

/**
 * A stream of events in the common shape as the events of a response. Items open one after the other, as the model makes
 * them; calls that are made at once stay open together. Everything that was told in pieces is told whole when it closes.
 * @see https://platform.openai.com/docs/api-reference/responses-streaming
 */
export class ResponseStream {
  private readonly request: Readonly<JsonObject>;
  private readonly otherwise: string;
  private readonly emit: Emit;
  private readonly items: Item[] = [];
  private readonly places = new CallPlaces();
  private readonly calls = new Map<number, CallItem>();
  private head: ResponseHead | undefined = undefined;
  private text: TextItem | undefined = undefined;
  private thought: ThoughtItem | undefined = undefined;
  private finish: Json | undefined = undefined;
  private usage: Json | undefined = undefined;
  private tier: Json | undefined = undefined;
  private count = 0;
  private room = true;

  constructor(request: Readonly<JsonObject>, otherwise: string, emit: Emit) {
    this.request = request;
    this.otherwise = otherwise;
    this.emit = emit;
  }

  /** One event of the common shape. False: the caller does not read fast enough. */
  event(json: JsonObject): boolean {
    this.room = true;
    // Azure's first event judges the prompt, and does not know the model yet.
    const isJudgement = Array.isArray(json["choices"]) && json["choices"].length === 0;
    if (this.head === undefined && !isJudgement) this.begin(json);
    this.usage = json["usage"] ?? this.usage;
    this.tier = json["service_tier"] ?? this.tier;
    const choice = Array.isArray(json["choices"])
      ? json["choices"].find((one) => isObject(one) && (one["index"] ?? 0) === 0)
      : undefined;
    if (isObject(choice)) {
      if (isObject(choice["delta"])) this.delta(withThoughts(choice["delta"], json["model"]), choice["logprobs"]);
      this.finish = choice["finish_reason"] ?? this.finish;
    }
    return this.room;
  }

  /** The answer is whole. */
  end(): void {
    if (this.head === undefined) this.begin({});
    const { status, details } = endingOf(this.finish);
    this.closeThought();
    this.closeText(status);
    for (const call of this.calls.values()) call.close();
    const more: JsonObject = {
      incomplete_details: details,
      usage: usageFor(this.usage),
      ...(this.tier && { service_tier: this.tier }),
    };
    this.tell(`response.${status}`, { response: this.response(status, more) });
  }

  /** The answer failed after it began: what was made stays as it is. */
  fail(error: GatewayError): void {
    if (this.head === undefined) this.begin({});
    const code = error.fault.code ?? error.row.code ?? "server_error";
    this.tell("error", { code, message: error.message, param: error.fault.param ?? null });
    this.tell("response.failed", { response: this.response("failed", { error: { code, message: error.message } }) });
  }

  private begin(json: JsonObject): void {
    this.head = headOf(json, this.request, this.otherwise);
    this.tell("response.created", { response: this.response("in_progress") });
    this.tell("response.in_progress", { response: this.response("in_progress") });
  }

  private delta(delta: JsonObject, logprobs: Json | undefined): void {
    const thought = delta["reasoning"] ?? delta["reasoning_content"];
    const details = delta["reasoning_details"];
    if ((typeof thought === "string" && thought !== "") || Array.isArray(details)) {
      this.think(typeof thought === "string" ? thought : "", Array.isArray(details) ? details : []);
    }
    const { content, refusal } = delta;
    if (typeof content === "string" && content !== "") this.say("output_text", content, logprobsFor(logprobs));
    if (typeof refusal === "string" && refusal !== "") this.say("refusal", refusal, []);
    for (const annotation of Array.isArray(delta["annotations"]) ? delta["annotations"] : [])
      this.text?.annotate(annotation);
    for (const call of Array.isArray(delta["tool_calls"]) ? delta["tool_calls"] : [])
      if (isObject(call)) this.call(call);
  }

  private think(text: string, details: readonly Json[]): void {
    // What comes after the answer began, as a signature does, belongs to the thought that is told already.
    this.thought ??= this.open((at) => new ThoughtItem(this.id("rs", at), at, this.told, wantsThoughts(this.request)));
    this.thought.add(text, details);
  }

  private say(kind: "output_text" | "refusal", text: string, logprobs: Json[]): void {
    this.closeThought();
    this.text ??= this.open((at) => new TextItem(this.id("msg", at), at, this.told));
    this.text.add(kind, text, logprobs);
  }

  private call(piece: JsonObject): void {
    this.closeThought();
    this.closeText("completed");
    const place = this.places.of(piece);
    let call = this.calls.get(place);
    if (call === undefined) {
      const prefix = isObject(piece["custom"]) ? "ctc" : "fc";
      call = this.open((at) => new CallItem(this.id(prefix, at), at, this.told, piece));
      this.calls.set(place, call);
    }
    call.add(piece);
  }

  private closeThought(): void {
    this.thought?.close();
    this.thought = undefined;
  }

  private closeText(status: string): void {
    this.text?.close(status);
    this.text = undefined;
  }

  private open<T extends Item>(make: (at: number) => T): T {
    const item = make(this.items.length);
    this.items.push(item);
    item.open();
    return item;
  }

  private id(prefix: string, at: number): string {
    return `${prefix}_${this.head!.key}_${at}`;
  }

  private response(status: string, more: JsonObject = {}): JsonObject {
    return responseOf(
      this.head!,
      status,
      this.items.map((item) => item.json),
      more,
    );
  }

  private tell(type: string, members: JsonObject): void {
    const { type: _, ...rest } = members;
    if (!this.emit({ type, sequence_number: this.count++, ...rest })) this.room = false;
  }

  private readonly told: Tell = (type, members) => this.tell(type, members);
}
