import { isObject, type Json, type JsonObject, objectsIn } from "../../core/json.ts";
import { words } from "../../core/words.ts";
import { present } from "../openai/make.ts";
import { withThoughts } from "../openai/reasoning.ts";
import { textIn } from "./fields.ts";
import { reasonOf } from "./finish.ts";
import { logprobsResult } from "./logprobs.ts";
import { partsSaid } from "./parts-said.ts";
import { citationMetadata } from "./sources.ts";
import { usageMetadata } from "./usage.ts";

/** Members of a candidate that are told as they are: a Gemini model gave them. */
const OWN = words(`
  safetyRatings citationMetadata groundingMetadata urlContextMetadata avgLogprobs tokenCount finishMessage
  continuationToken groundingAttributions
`);

/**
 * A whole answer of the common shape as a reply of `generateContent`.
 *
 * @see https://ai.google.dev/api/generate-content#generatecontentresponse
 */
export function generateReply(json: Readonly<JsonObject>): JsonObject {
  const { promptFeedback } = json;
  const candidates = objectsIn(json["choices"]).map((choice, at) => {
    const message = withThoughts(isObject(choice["message"]) ? choice["message"] : {}, json["model"]);
    const index = typeof choice["index"] === "number" ? choice["index"] : at;
    return candidateOf(choice, index, partsSaid(message), message, textIn(message["content"]) ?? "");
  });
  return headed(json, {
    candidates: isBlock(promptFeedback) ? undefined : candidates,
    promptFeedback,
    usageMetadata: usageMetadata(json["usage"]),
  });
}

/** Whether this says that the prompt was blocked. */
export function isBlock(feedback: Json | undefined): boolean {
  return isObject(feedback) && feedback["blockReason"] !== undefined;
}

/** A candidate with why it ended and what stands beside its parts. */
export function candidateOf(
  choice: JsonObject,
  index: number,
  parts: JsonObject[],
  said: JsonObject,
  text: string,
): JsonObject {
  const own = Object.fromEntries(OWN.flatMap((name) => (choice[name] === undefined ? [] : [[name, choice[name]]])));
  const sourced = own["groundingMetadata"] !== undefined || own["citationMetadata"] !== undefined;
  const finish = textIn(choice["finish_reason"]);
  return present({
    // Google's SDKs forget a whole turn of a chat over one reply without a part.
    content: { parts: parts.length === 0 ? [{ text: "" }] : parts, role: "model" },
    finishReason: finish === undefined ? undefined : reasonOf(finish, choice["native_finish_reason"]),
    index,
    logprobsResult: logprobsResult(choice["logprobs"]),
    citationMetadata: sourced ? undefined : citationMetadata(said["annotations"], text),
    ...own,
  });
}

/** A reply, or an event of a stream, with who made it. */
export function headed(json: Readonly<JsonObject>, said: { readonly [name: string]: JsonObject[string] }): JsonObject {
  return present({ ...said, modelVersion: textIn(json["model"]), responseId: textIn(json["id"]) });
}
