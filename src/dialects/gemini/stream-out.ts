import { errors } from "../../core/errors.ts";
import { isObject, type JsonObject, objectsIn } from "../../core/json.ts";
import { CallPlaces } from "../openai/call-places.ts";
import { argumentsIn } from "../openai/calls-in.ts";
import { present } from "../openai/make.ts";
import { withThoughts } from "../openai/reasoning.ts";
import { numberIn, textIn } from "./fields.ts";
import { logprobsResult } from "./logprobs.ts";
import { callPart, imageSaid, isOfCall, isThought, partSaid } from "./parts-said.ts";
import { candidateOf, headed, isBlock } from "./reply-out.ts";
import { sealedDetail } from "./seal.ts";
import { usageMetadata } from "./usage.ts";

/** One choice under way. */
interface Choice {
  text: string;
  readonly places: CallPlaces;
  /** How many calls are told. */
  told: number;
  /** The call whose arguments are coming: Google tells calls whole. */
  call: { readonly place: number; id: string | undefined; name: string; args: string } | undefined;
  readonly signatures: Map<string, string>;
  /** The thought that is being told; its signature follows it. */
  thought: JsonObject | undefined;
  annotations: JsonObject[];
  ended: JsonObject | undefined;
}

/** Of a stream that is whole and gave no reason: `[DONE]` alone says that it is. */
const UNTOLD: JsonObject = { finish_reason: "stop" };

/**
 * Events of the common shape as replies of `streamGenerateContent`. Text is told as it comes; a call when it is whole; why it ended
 * with the usage, in the last one, which `end` gives.
 */
export class GenerateStream {
  private readonly choices = new Map<number, Choice>();
  private head: JsonObject = {};
  private usage: JsonObject | undefined;
  private feedback: JsonObject[string];

  /** Replies to send for an event; as a rule one, none when there is nothing to tell yet. */
  event(json: Readonly<JsonObject>): JsonObject[] {
    const { id, model } = json;
    this.head = present({ ...this.head, id: id ?? undefined, model });
    this.usage = usageMetadata(json["usage"]) ?? this.usage;
    this.feedback = json["promptFeedback"] ?? this.feedback;
    // Google says it so, and without a candidate.
    if (isBlock(this.feedback)) return [];
    const candidates = objectsIn(json["choices"]).flatMap((choice, at) => {
      const index = numberIn(choice["index"]) ?? at;
      const state = this.choice(index);
      const parts = isObject(choice["delta"]) ? pieces(state, withThoughts(choice["delta"], model)) : [];
      if (typeof choice["finish_reason"] === "string") state.ended = choice;
      const logprobs = logprobsResult(choice["logprobs"]);
      if (parts.length === 0 && logprobs === undefined) return [];
      return [present({ content: { parts, role: "model" }, index, logprobsResult: logprobs })];
    });
    return candidates.length === 0 ? [] : [headed(this.head, { candidates })];
  }

  /** The stream is whole: the last reply. */
  end(): JsonObject {
    const candidates = [...this.choices].map(([index, state]) => {
      const parts = [...closeThought(state), ...closeCall(state)];
      const { logprobs: _, ...ended } = state.ended ?? UNTOLD;
      return candidateOf(ended, index, parts, { annotations: state.annotations }, state.text);
    });
    return headed(this.head, {
      candidates: isBlock(this.feedback) ? undefined : candidates,
      promptFeedback: this.feedback,
      usageMetadata: this.usage,
    });
  }

  private choice(index: number): Choice {
    const known = this.choices.get(index);
    if (known) return known;
    const made: Choice = {
      text: "",
      places: new CallPlaces(),
      told: 0,
      call: undefined,
      signatures: new Map(),
      thought: undefined,
      annotations: [],
      ended: undefined,
    };
    this.choices.set(index, made);
    return made;
  }
}

function pieces(state: Choice, delta: JsonObject): JsonObject[] {
  const details = objectsIn(delta["reasoning_details"]);
  const parts = thoughts(state, details, textIn(delta["reasoning"] ?? delta["reasoning_content"]));
  state.annotations.push(...objectsIn(delta["annotations"]));
  for (const detail of details) if (isOfCall(detail)) state.signatures.set(detail.id, sealedDetail(detail));
  const marks = details.filter(({ end }) => typeof end === "number");
  const content = textIn(delta["content"]) ?? textIn(delta["refusal"]);
  if (content !== undefined || marks.length > 0) {
    state.text += textIn(delta["content"]) ?? "";
    const signature = marks.length === 0 ? undefined : sealedDetail(marks.at(-1)!);
    parts.push(...closeThought(state), present({ text: content ?? "", thoughtSignature: signature }));
  }
  for (const detail of details) {
    if (isObject(detail["part"])) parts.push(...closeThought(state), partSaid(detail, detail["part"]));
  }
  for (const [at, image] of objectsIn(delta["images"]).entries()) {
    const place = numberIn(image["index"]) ?? at;
    const mark = details.find((one) => one["image"] === place);
    parts.push(...closeThought(state), ...imageSaid(image, mark && sealedDetail(mark)));
  }
  for (const piece of objectsIn(delta["tool_calls"])) {
    parts.push(...closeThought(state), ...callPiece(state, piece, state.places.of(piece)));
  }
  return parts;
}

/** Thoughts are told as they come, and whose they are with their signature, in a part of its own. */
function thoughts(state: Choice, details: readonly JsonObject[], reasoning: string | undefined): JsonObject[] {
  const own = details.filter(isThought);
  const parts: JsonObject[] = [];
  let told = false;
  for (const detail of own) {
    if (state.thought !== undefined && state.thought["index"] !== detail["index"]) parts.push(...closeThought(state));
    const text = textIn(detail["text"]) ?? textIn(detail["summary"]);
    if (text !== undefined) parts.push({ text, thought: true });
    told ||= text !== undefined;
    state.thought = joinedDetail(state.thought, detail);
  }
  return reasoning !== undefined && !told ? [{ text: reasoning, thought: true }, ...parts] : parts;
}

/** Pieces of one detail: its words were told, but for a summary's, which go back within the seal. */
function joinedDetail(before: JsonObject | undefined, detail: JsonObject): JsonObject {
  const { text: _, ...now } = detail;
  const { summary, signature, data } = before ?? {};
  const join = (a: JsonObject[string], b: JsonObject[string]) => (textIn(a) ?? "") + (textIn(b) ?? "") || undefined;
  return present({
    ...before,
    ...now,
    summary: join(summary, now["summary"]),
    signature: join(signature, now["signature"]),
    data: join(data, now["data"]),
  });
}

function closeThought(state: Choice): JsonObject[] {
  const { thought } = state;
  state.thought = undefined;
  return thought === undefined ? [] : [{ text: "", thought: true, thoughtSignature: sealedDetail(thought) }];
}

function callPiece(state: Choice, piece: JsonObject, place: number): JsonObject[] {
  const parts = state.call !== undefined && state.call.place !== place ? closeCall(state) : [];
  if (place < state.told) throw errors.upstreamFailed("The provider's stream went back to a tool call that was over.");
  const told = isObject(piece["function"]) ? piece["function"] : isObject(piece["custom"]) ? piece["custom"] : {};
  state.call ??= { place, id: undefined, name: "", args: "" };
  state.call.id ??= textIn(piece["id"]);
  state.call.name += textIn(told["name"]) ?? "";
  state.call.args += argumentsIn(told["arguments"] ?? told["input"]);
  return parts;
}

function closeCall(state: Choice): JsonObject[] {
  const { call } = state;
  state.call = undefined;
  if (call === undefined) return [];
  state.told = call.place + 1;
  return [callPart(call.id, call.name, call.args, call.id && state.signatures.get(call.id))];
}
