import { errors } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { CallPlaces } from "../openai/call-places.ts";
import { argumentsIn } from "../openai/calls-in.ts";
import { withThoughts } from "../openai/reasoning.ts";
import { citationOf } from "./citations.ts";
import { besidesOf, endingOf, idOf } from "./reply-out.ts";
import { sealOf, thoughtOut } from "./sealing.ts";
import { usageOut } from "./usage.ts";

/** The block that is being told. */
interface Open {
  readonly kind: "text" | "thinking" | "tool_use";
  /** Which thought or call it is; more of another one begins another block. */
  readonly key: Json | undefined;
  /** Of a thought: the piece that has its signature. */
  seal: JsonObject | undefined;
}

/**
 * The events of a stream in the common shape as those of the Messages API, block after block. Why it ended and what it consumed
 * are told by `end`, as the last of all.
 * @see https://docs.claude.com/en/docs/build-with-claude/streaming
 */
export class StreamOut {
  private readonly requestId: string;
  private text = "";
  private begun = false;
  private blocks = 0;
  private open: Open | undefined = undefined;
  private readonly places = new CallPlaces();
  /** Calls whose blocks are closed. */
  private readonly told = new Set<number>();
  private said = false;
  private refusal = "";
  private choice: JsonObject = {};
  private usage: Json | undefined = undefined;
  private tier: Json | undefined = undefined;
  private readonly besides: JsonObject = {};

  constructor(requestId: string) {
    this.requestId = requestId;
  }

  /** The text to send for one event; empty: none yet. Throws UPSTREAM_FAILED for what cannot be told in blocks. */
  event(json: Readonly<JsonObject>): string {
    const { id, model, choices, usage, service_tier, ...rest } = json;
    if (usage) this.usage = usage;
    if (service_tier) this.tier = service_tier;
    // Azure's first event judges the prompt, and does not know the model yet.
    if (!this.begun && !(Array.isArray(choices) && choices.length === 0)) this.start(id, model);
    Object.assign(this.besides, besidesOf(rest));
    const choice = Array.isArray(choices) ? choices[0] : undefined;
    if (isObject(choice)) {
      if (isObject(choice["delta"])) this.delta(withThoughts(choice["delta"], model));
      if (typeof choice["finish_reason"] === "string") this.choice = choice;
    }
    return this.flush();
  }

  /** What says that more will come; empty: the message has not begun. */
  alive(): string {
    if (this.begun) this.write({ type: "ping" });
    return this.flush();
  }

  /** The last events of a stream that is whole. */
  end(): string {
    if (!this.begun) this.start(null, "");
    if (!this.said && this.refusal !== "" && !isObject(this.choice["stop_details"])) {
      this.begin("text", undefined, { type: "text", text: "" });
      this.grow({ type: "text_delta", text: this.refusal });
    }
    this.close();
    const called = this.told.size > 0;
    const delta = { ...endingOf(this.choice, called, this.refusal !== ""), ...this.besides };
    this.write({ type: "message_delta", delta, usage: usageOut(this.usage, this.tier) });
    this.write({ type: "message_stop" });
    return this.flush();
  }

  private start(id: Json | undefined, model: Json | undefined): void {
    this.begun = true;
    const usage = usageOut(this.usage, this.tier);
    const head = { id: idOf(id, this.requestId), type: "message", role: "assistant", model: model ?? "" };
    const message = { ...head, content: [], stop_reason: null, stop_sequence: null, usage };
    this.write({ type: "message_start", message });
  }

  private delta(delta: JsonObject): void {
    const { reasoning_details: details, content, content_parts: parts, annotations, tool_calls: calls } = delta;
    if (Array.isArray(details)) for (const one of details) if (isObject(one)) this.thought(one);
    const shown = Array.isArray(details) && details.some((one) => isObject(one) && (one["text"] ?? one["summary"]));
    const thinking = delta["reasoning"] ?? delta["reasoning_content"];
    if (!shown && typeof thinking === "string" && thinking !== "") this.thought({ text: thinking });
    if (typeof content === "string" && content !== "") this.words(content);
    if (Array.isArray(parts)) for (const one of parts) if (isObject(one)) this.part(one);
    if (Array.isArray(annotations) && !Array.isArray(parts)) this.sources(annotations.filter(isObject).map(citationOf));
    if (Array.isArray(calls)) for (const one of calls) if (isObject(one)) this.call(one);
    if (typeof delta["refusal"] === "string") this.refusal += delta["refusal"];
  }

  private thought(detail: JsonObject): void {
    const { text, summary, data, index, format } = detail;
    if (typeof data === "string") {
      this.close();
      const block = thoughtOut(detail);
      if (block !== undefined) this.whole(block);
      return;
    }
    const key = index ?? format ?? null;
    if (this.open?.kind !== "thinking" || this.open.key !== key) {
      this.begin("thinking", key, { type: "thinking", thinking: "", signature: "" });
    }
    const words = typeof text === "string" ? text : summary;
    if (typeof words === "string" && words !== "") this.grow({ type: "thinking_delta", thinking: words });
    const { open } = this;
    if (open) open.seal = { ...open.seal, ...detail };
  }

  private words(text: string): void {
    this.said = true;
    if (this.open?.kind !== "text") this.begin("text", undefined, { type: "text", text: "" });
    this.grow({ type: "text_delta", text });
  }

  /** A part of another kind is whole; `text` says that another text begins here, or what the present one cites. */
  private part({ index: _, ...part }: JsonObject): void {
    if (part["type"] !== "text") {
      this.close();
      this.whole(part);
      return;
    }
    const { citations } = part;
    if (Array.isArray(citations)) this.sources(citations.filter(isObject));
    else this.begin("text", undefined, { type: "text", text: "" });
  }

  private sources(citations: readonly (JsonObject | undefined)[]): void {
    for (const citation of citations) {
      if (citation === undefined) continue;
      if (this.open?.kind !== "text") this.begin("text", undefined, { type: "text", text: "" });
      this.grow({ type: "citations_delta", citation });
    }
  }

  private call(piece: JsonObject): void {
    const { index: _i, id, function: called, custom, type: _t, block_index: _b, extra_content: _e, ...rest } = piece;
    const { name, arguments: args } = isObject(called) ? called : {};
    const place = this.places.of(piece);
    if (this.open?.kind !== "tool_use" || this.open.key !== place) {
      if (this.told.has(place))
        throw errors.upstreamFailed("The provider's stream went back to a tool call that was over.");
      const of = isObject(custom) ? custom["name"] : name;
      this.begin("tool_use", place, {
        type: "tool_use",
        id: id || `call_${place}`,
        name: of ?? "",
        input: {},
        ...rest,
      });
      this.told.add(place);
    }
    const text = argumentsIn(args);
    if (text !== "") this.grow({ type: "input_json_delta", partial_json: text });
  }

  /** A block that came whole. Inputs of tools are told as they are anywhere. */
  private whole(block: JsonObject): void {
    const { input } = block;
    const index = this.blocks++;
    const called = isObject(input) && typeof block["type"] === "string" && block["type"].endsWith("tool_use");
    const begin = called ? { ...block, input: {} } : block;
    this.write({ type: "content_block_start", index, content_block: begin });
    if (called) {
      const delta = { type: "input_json_delta", partial_json: JSON.stringify(input) };
      this.write({ type: "content_block_delta", index, delta });
    }
    this.write({ type: "content_block_stop", index });
  }

  private begin(kind: Open["kind"], key: Json | undefined, block: JsonObject): void {
    this.close();
    this.open = { kind, key, seal: undefined };
    this.write({ type: "content_block_start", index: this.blocks++, content_block: block });
  }

  private grow(delta: JsonObject): void {
    this.write({ type: "content_block_delta", index: this.blocks - 1, delta });
  }

  private close(): void {
    const { open } = this;
    if (open === undefined) return;
    const signature = open.seal === undefined ? "" : sealOf(open.seal, open.seal["signature"]);
    if (signature !== "") this.grow({ type: "signature_delta", signature });
    this.write({ type: "content_block_stop", index: this.blocks - 1 });
    this.open = undefined;
  }

  private write(event: { readonly type: string; readonly [name: string]: unknown }): void {
    this.text += `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
  }

  private flush(): string {
    const { text } = this;
    this.text = "";
    return text;
  }
}
