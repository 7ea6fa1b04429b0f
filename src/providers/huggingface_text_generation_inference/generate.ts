import type { Call } from "../../core/call.ts";
import { errors } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { onePrompt } from "../../dialects/openai/as-chat.ts";
import { present } from "../../dialects/openai/make.ts";
import { Taken } from "../../dialects/openai/take.ts";

/** Least temperature: the server refuses 0. */
const LEAST = 0.001;

/**
 * A completion in the server's own words. Its `parameters`, such as `top_k`, `repetition_penalty`, `typical_p` or `grammar`, are
 * the caller's strangers. It counts the prompt's tokens whole answers only, which is what `decoder_input_details` is for.
 *
 * @see https://huggingface.github.io/text-generation-inference/
 */
export function generateRequest(call: Call, json: Readonly<JsonObject>): JsonObject {
  const taken = new Taken(call, json);
  taken.refuseNative({ max_new_tokens: "max_tokens" }, 422);
  const { dialect, legacy = false } = call.arrival;
  const native = dialect === "mlflow";
  const inputs = onePrompt(taken.take("prompt"));
  const n = taken.number("n");
  if (native && n !== undefined && n !== 1) {
    const description = `must be 1 for the Text Generation Inference provider; it is ${n}`;
    throw errors.fieldInvalid([{ field: legacy ? "candidate_count" : "n", description }]);
  }
  if (!native) taken.drop("n");
  const logprobs = native ? undefined : taken.number("logprobs");
  const topP = native ? undefined : taken.number("top_p");
  const parameters = present({
    temperature: temperatureOf(call, taken, native),
    ...(legacy && { candidate_count: n }),
    stop: taken.stop() as Json[] | undefined,
    max_new_tokens: taken.number("max_tokens"),
    ...(!native && {
      // All of the probability is what it takes by default; it refuses to be told so.
      top_p: topP !== undefined && topP < 1 ? topP : undefined,
      seed: taken.number("seed"),
      frequency_penalty: taken.number("frequency_penalty"),
      return_full_text: taken.take("echo") === true ? true : undefined,
      top_n_tokens: logprobs !== undefined && logprobs > 0 ? logprobs : undefined,
    }),
    ...taken.extras(),
    details: true,
    decoder_input_details: call.stream ? undefined : true,
  });
  return { inputs, parameters };
}

/** MLflow multiplies by 50, of which nothing sensible comes; its callers get what they are used to. */
function temperatureOf(call: Call, taken: Taken, native: boolean): number | undefined {
  const value = taken.temperature(2, { modern: 50, legacy: 1 });
  if (native) return value === undefined ? undefined : Math.max(value, LEAST);
  if (value !== 0) return value;
  // Without one the likeliest token is taken, which is what 0 asks for.
  call.adjust("converted", "temperature");
  return undefined;
}
