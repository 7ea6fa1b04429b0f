import type { Call } from "../../core/call.ts";
import { errors } from "../../core/errors.ts";
import { type Json, type JsonObject, objectIn, objectsIn, textIn } from "../../core/json.ts";
import { generateReplyIn } from "../../dialects/cohere/generate.ts";
import { onePrompt } from "../../dialects/openai/as-chat.ts";
import {
  type AnswerHead,
  type ChunkTeller,
  chatReply,
  type FinishReason,
  present,
  usageOf,
} from "../../dialects/openai/make.ts";
import { Taken } from "../../dialects/openai/take.ts";

/** A kind of models that complete texts and do not chat, each with words of its own; their answers are read as chats. */
export interface OldModels {
  /** Only what the caller gave is sent, as MLflow does. */
  request(call: Call, taken: Taken): JsonObject;
  reply(json: Readonly<JsonObject>, head: AnswerHead): JsonObject;
  /** One event of a stream; absent: it has none. */
  event?(json: Readonly<JsonObject>, teller: ChunkTeller): void;
}

/** Who makes a model's completions; `undefined`: it chats, by Converse. */
export function oldModelsOf(id: string): OldModels | undefined {
  return FAMILIES.find(([pattern]) => pattern.test(id))?.[1];
}

/** What every one of them does: the members of the request, told what was dropped. */
export function oldRequest(call: Call, models: OldModels, json: Readonly<JsonObject>): JsonObject {
  const taken = new Taken(call, json);
  const request = models.request(call, taken);
  return { ...request, ...taken.extras() };
}

/** Bedrock's own count at the end of any stream. */
export function streamedUsage(json: Readonly<JsonObject>): JsonObject | undefined {
  const { inputTokenCount, outputTokenCount } = objectIn(json["amazon-bedrock-invocationMetrics"]);
  return usageOf({ prompt: number(inputTokenCount), completion: number(outputTokenCount) });
}

const stops = (taken: Taken) => taken.stop() as Json[] | undefined;

/** @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-text.html */
const titan: OldModels = {
  request: (_call, taken) => ({
    inputText: onePrompt(taken.take("prompt")),
    textGenerationConfig: present({
      temperature: taken.temperature(1, { modern: 0.5, legacy: 1 }),
      topP: taken.number("top_p"),
      stopSequences: stops(taken),
      maxTokenCount: taken.maxTokens(),
    }),
  }),
  reply(json, head) {
    const results = objectsIn(json["results"]);
    const made = results.reduce((sum, one) => sum + (number(one["tokenCount"]) ?? 0), 0);
    const usage = usageOf({ prompt: number(json["inputTextTokenCount"]), completion: made });
    return replyOf(head, results, (one) => [one["outputText"], one["completionReason"]], usage);
  },
  event: (json, teller) => piece(teller, json["outputText"], json["completionReason"]),
};

/** MLflow's own most, which was the models' for long. */
export const CLAUDE_MOST = 8191;
/** Turns of old Claude models' prompts. */
export const HUMAN = "\n\nHuman:";
export const ASSISTANT = "\n\nAssistant:";

/** @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-text-completion.html */
const claude: OldModels = {
  request(call, taken) {
    const asked = taken.maxTokens();
    if (asked === undefined) call.adjust("defaulted", "max_tokens");
    else if (asked > CLAUDE_MOST) call.adjust("converted", "max_tokens");
    return present({
      temperature: taken.temperature(1, { modern: 0.5, legacy: 1 }),
      top_p: taken.number("top_p"),
      stop_sequences: [...(stops(taken) ?? []), HUMAN],
      max_tokens_to_sample: Math.min(asked ?? CLAUDE_MOST, CLAUDE_MOST),
      prompt: asDialogue(onePrompt(taken.take("prompt"))),
      anthropic_version: "bedrock-2023-05-31",
    });
  },
  reply: (json, head) => replyOf(head, [json], (one) => [one["completion"], one["stop_reason"]], undefined),
  event: (json, teller) => piece(teller, json["completion"], json["stop_reason"]),
};

function asDialogue(prompt: string): string {
  const asked = prompt.startsWith("Human: ") ? `\n\n${prompt}` : prompt;
  const begun = asked.startsWith(`${HUMAN} `) ? asked : `${HUMAN} ${asked}`;
  return begun.endsWith(ASSISTANT) ? begun : begun + ASSISTANT;
}

/** @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-jurassic2.html */
const jurassic: OldModels = {
  request: (_call, taken) =>
    present({
      temperature: taken.temperature(1, { modern: 1, legacy: 1 }),
      topP: taken.number("top_p"),
      stopSequences: stops(taken),
      maxTokens: taken.maxTokens(),
      numResults: taken.number("n"),
      prompt: onePrompt(taken.take("prompt")),
    }),
  reply(json, head) {
    const made = objectsIn(json["completions"]);
    const tokens = (one: Json | undefined) => {
      const list = objectIn(one)["tokens"];
      return Array.isArray(list) && list.length > 0 ? list.length : undefined;
    };
    const counted = made.map(({ data }) => tokens(data) ?? 0).reduce((sum, one) => sum + one, 0);
    const usage = usageOf({ prompt: tokens(json["prompt"]), completion: counted === 0 ? undefined : counted });
    return replyOf(
      head,
      made,
      (one) => [objectIn(one["data"])["text"], objectIn(one["finishReason"])["reason"]],
      usage,
    );
  },
};

/** @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-cohere-command.html */
const command: OldModels = {
  request: (call, taken) =>
    present({
      temperature: taken.temperature(5, { modern: 2.5, legacy: 5 }),
      p: taken.number("top_p"),
      k: taken.number("top_k"),
      stop_sequences: stops(taken),
      max_tokens: taken.maxTokens(),
      num_generations: taken.number("n"),
      prompt: onePrompt(taken.take("prompt")),
      stream: call.stream ? true : undefined,
    }),
  reply: generateReplyIn,
  event: (json, teller) => piece(teller, json["text"], json["finish_reason"]),
};

const FAMILIES: readonly (readonly [id: RegExp, models: OldModels])[] = [
  [/^amazon\.titan-(?:text|tg1)-/, titan],
  [/^anthropic\.claude-(?:v\d|instant-)/, claude],
  [/^ai21\.j2-/, jurassic],
  [/^cohere\.command-(?:light-)?text-/, command],
];

function replyOf(
  head: AnswerHead,
  made: readonly JsonObject[],
  read: (one: JsonObject) => readonly [text: Json | undefined, native: Json | undefined],
  usage: JsonObject | undefined,
): JsonObject {
  const choices = made.map((one, index) => {
    const [text, native] = read(one);
    if (typeof text !== "string") throw errors.upstreamFailed("The provider bedrock answered without a text.");
    const message = { role: "assistant", content: text };
    return present({ index, message, finish_reason: finishOf(native), native_finish_reason: native });
  });
  if (choices.length === 0) throw errors.upstreamFailed("The provider bedrock answered without a text.");
  return chatReply(head, choices, usage);
}

function piece(teller: ChunkTeller, text: Json | undefined, native: Json | undefined): void {
  if (textIn(text) !== "") teller.delta({ content: textIn(text) });
  if (typeof native === "string" && native !== "") teller.finish(finishOf(native), native);
}

const LENGTHS = new Set(["LENGTH", "length", "max_tokens", "MAX_TOKENS", "ERROR_LIMIT"]);
const FILTERED = new Set(["CONTENT_FILTERED", "ERROR_TOXIC"]);

function finishOf(native: Json | undefined): FinishReason {
  if (typeof native !== "string") return "stop";
  return LENGTHS.has(native) ? "length" : FILTERED.has(native) ? "content_filter" : "stop";
}

function number(value: Json | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}
