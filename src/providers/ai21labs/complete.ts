import type { Call } from "../../core/call.ts";
import { errors } from "../../core/errors.ts";
import { type Json, type JsonObject, objectIn, objectsIn, textIn } from "../../core/json.ts";
import { onePrompt } from "../../dialects/openai/as-chat.ts";
import { type FinishReason, present } from "../../dialects/openai/make.ts";
import { Taken } from "../../dialects/openai/take.ts";

/**
 * A completion in the words of the Jurassic-2 models. Their temperatures end at 1.
 * @see https://docs.ai21.com/reference/j2-complete-ref
 */
export function completeRequest(call: Call, json: Readonly<JsonObject>): JsonObject {
  const taken = new Taken(call, json);
  taken.refuseNative({ numResults: "n", stopSequences: "stop", maxTokens: "max_tokens" }, 422);
  const native = call.arrival.dialect === "mlflow";
  const request = present({
    prompt: onePrompt(taken.take("prompt")),
    temperature: taken.temperature(1, { modern: 1, legacy: 1 }),
    numResults: taken.number("n"),
    maxTokens: taken.number("max_tokens"),
    stopSequences: taken.stop() as Json[] | undefined,
    ...(!native && {
      topP: taken.number("top_p"),
    }),
  });
  return { ...request, ...taken.extras() };
}

const ENDS: Readonly<Record<string, FinishReason>> = { length: "length", endoftext: "stop", stop: "stop" };

/** Its whole answer, in the common shape. It counts no tokens. */
export function completeReplyIn(json: Readonly<JsonObject>, model: string, created: number): JsonObject {
  if (!Array.isArray(json["completions"]))
    throw errors.upstreamFailed("The provider's answer has no list of completions.");
  const choices = objectsIn(json["completions"]).map(({ data, finishReason }, index) => {
    const { reason, sequence } = objectIn(finishReason);
    return present({
      index,
      text: textIn(objectIn(data)["text"]),
      finish_reason: ENDS[textIn(reason)] ?? "stop",
      native_finish_reason: reason,
      stop_sequence: sequence,
    });
  });
  const { id = null } = json;
  return {
    id: typeof id === "number" ? String(id) : id,
    object: "text_completion",
    created,
    model,
    choices,
  };
}
