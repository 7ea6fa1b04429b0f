import type { Call } from "../../core/call.ts";
import type { JsonObject } from "../../core/json.ts";
import { onePrompt } from "../../dialects/openai/as-chat.ts";
import { present } from "../../dialects/openai/make.ts";
import { Taken } from "../../dialects/openai/take.ts";
import { ASSISTANT, CLAUDE_MOST, HUMAN } from "./old-models.ts";

/** What MLflow's adapter of 2.x called the members for one maker's models, and its factors for the temperature. */
interface Words {
  readonly temperature: { readonly modern: number; readonly legacy: number };
  readonly stop: string;
  readonly maxTokens: string;
  /** Absent: the count goes by MLflow's own name. */
  readonly n?: string;
}

const TITAN: Words = {
  temperature: { modern: 0.5, legacy: 1 },
  stop: "stopSequences",
  maxTokens: "maxTokenCount",
};
const CLAUDE: Words = {
  temperature: { modern: 0.5, legacy: 1 },
  stop: "stop_sequences",
  maxTokens: "max_tokens_to_sample",
};
const JURASSIC: Words = {
  temperature: { modern: 1, legacy: 1 },
  stop: "stopSequences",
  maxTokens: "maxTokens",
  n: "numResults",
};
const COMMAND: Words = {
  temperature: { modern: 2.5, legacy: 5 },
  stop: "stop_sequences",
  maxTokens: "max_tokens",
  n: "num_generations",
};

/**
 * A completion for an old model as MLflow's adapter of 2.x said it for its own clients: what differs from MLflow's defaults,
 * renamed, and strangers as they came.
 *
 * @param id The model's id, of one of the makers that `oldModelsOf` knows.
 */
export function mlflowRequest(call: Call, id: string, json: Readonly<JsonObject>): JsonObject {
  if (id.startsWith("cohere.")) {
    new Taken(call, json).refuseNative({ stop_sequences: "stop", num_generations: "n" }, 400);
  }
  const { prompt, temperature, n, stop, max_tokens, stream: _, ...rest } = json;
  const text = onePrompt(prompt);
  const legacy = call.arrival.legacy === true;
  const said = (words: Words): JsonObject =>
    present({
      temperature: typeof temperature === "number" ? scaled(temperature, words, legacy) : undefined,
      [words.n ?? (legacy ? "candidate_count" : "n")]: n === 1 ? undefined : n,
      [words.stop]: stop ?? undefined,
      [words.maxTokens]: max_tokens ?? undefined,
      ...(legacy && present({ stream: json["stream"] })),
      ...rest,
    });
  if (id.startsWith("amazon.")) return { inputText: text, textGenerationConfig: said(TITAN) };
  if (!id.startsWith("anthropic.")) return { ...said(id.startsWith("ai21.") ? JURASSIC : COMMAND), prompt: text };
  const { model: named, ...others } = said(CLAUDE);
  const asked = legacy ? present({ ...others, model: named }) : others;
  const stops = asked["stop_sequences"];
  return {
    ...asked,
    prompt: `${HUMAN} ${text.replace(/^Human: /, "").replace(/\n\nAssistant:$/, "")}${ASSISTANT}`,
    max_tokens_to_sample: Math.min(typeof max_tokens === "number" ? max_tokens : CLAUDE_MOST, CLAUDE_MOST),
    stop_sequences: [...(Array.isArray(stops) ? stops : []), HUMAN],
  };
}

/** 0 is MLflow's default, and is left out. */
function scaled(temperature: number, words: Words, legacy: boolean): number | undefined {
  if (temperature === 0) return undefined;
  return legacy ? (temperature / 2) * words.temperature.legacy : temperature * words.temperature.modern;
}
