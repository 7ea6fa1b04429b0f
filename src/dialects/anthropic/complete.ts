import type { Call } from "../../core/call.ts";
import { errors } from "../../core/errors.ts";
import type { EachEvent } from "../../core/frames.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type { StreamListener } from "../../core/sse.ts";
import { onePrompt } from "../openai/as-chat.ts";
import { present } from "../openai/make.ts";
import type { Taken } from "../openai/take.ts";
import { MLFLOW_MOST, type RequestOptions, withUser } from "./request-out.ts";
import type { StreamOptions } from "./stream-in.ts";

/** MLflow 2.9 and later halved the temperature; 2.5-2.8, whose callers say 0-1, sent it as it was. */
const MLFLOW = { modern: 0.5, legacy: 1 };

/** Models that complete texts; all others chat. */
export function completes(model: string): boolean {
  return /claude-(?:v?[12](?![\d-]*-(?:opus|sonnet|haiku))|instant)/.test(model);
}

/**
 * A completion in the common shape as a request to the Text Completions API, which the oldest models have.
 * @see https://docs.claude.com/en/api/complete
 */
export function completeRequest(call: Call, taken: Taken, options: RequestOptions): JsonObject {
  const prompt = onePrompt(taken.take("prompt"));
  let maxTokens = taken.maxTokens();
  if (maxTokens === undefined) {
    call.adjust("defaulted", "max_tokens");
    maxTokens = call.arrival.era === undefined ? options.defaultMaxTokens : MLFLOW_MOST;
  }
  const { era } = call.arrival;
  // MLflow's own clients of 2.x are asked for as MLflow did it, its stray member included.
  if (era !== undefined) taken.take("max_tokens_to_sample");
  const json: JsonObject = { ...options.head, prompt: asked(prompt), max_tokens_to_sample: maxTokens };
  const temperature = taken.temperature(1, MLFLOW);
  if (temperature !== undefined) json["temperature"] = temperature;
  for (const name of ["top_p", "top_k"]) {
    const value = taken.number(name);
    if (value !== undefined) json[name] = value;
  }
  const stop = taken.stop();
  if (stop !== undefined) json["stop_sequences"] = [...stop];
  withUser(json, taken);
  if (era === "2.8") json["candidate_count"] = taken.take("n") ?? 1;
  else taken.drop("n");
  return Object.assign(json, taken.extras());
}

/** The one form that the API takes; a prompt that has it already is sent as it is. */
function asked(prompt: string): string {
  const begun = prompt.startsWith("\n\nHuman:") ? prompt : `\n\nHuman: ${prompt.replace(/^Human: /, "")}`;
  return /\n\nAssistant:/.test(begun) ? begun : `${begun}\n\nAssistant:`;
}

/** A whole completion in the common shape. It tells no tokens. */
export function completeReply(call: Call, json: Readonly<JsonObject>, created: number): JsonObject {
  const { completion, stop_reason, stop } = json;
  if (typeof completion !== "string") throw errors.upstreamFailed("The provider's answer has no completion.");
  return {
    ...head(call, json, created),
    choices: [present({ index: 0, text: completion, ...ending(stop_reason, stop) })],
  };
}

/** The events of a streamed completion. The last has its reason; nothing else ends a stream. */
export function completeStream(call: Call, on: StreamListener, { created, fault }: StreamOptions): EachEvent {
  return (json) => {
    if (json["type"] === "error") on.onFault(fault(json));
    if (json["type"] !== "completion") return;
    const { completion, stop_reason, stop } = json;
    const over = typeof stop_reason === "string";
    const text = typeof completion === "string" ? completion : "";
    const choice = { index: 0, text, ...(over ? ending(stop_reason, stop) : { finish_reason: null }) };
    on.onEvent({ ...head(call, json, created), choices: [present(choice)] });
    if (over) on.onDone();
  };
}

function head(call: Call, { id, model }: Readonly<JsonObject>, created: number): JsonObject {
  return { id: id ?? null, object: "text_completion", created, model: model ?? call.target!.model };
}

function ending(reason: Json | undefined, stop: Json | undefined): Record<string, Json | undefined> {
  return {
    finish_reason: reason === "max_tokens" ? "length" : "stop",
    native_finish_reason: reason ?? null,
    stop_sequence: typeof stop === "string" ? stop : undefined,
  };
}
