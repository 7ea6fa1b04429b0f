import type { Call } from "../../core/call.ts";
import type { JsonObject } from "../../core/json.ts";
import { present } from "../openai/make.ts";
import { generateContent } from "./request-out.ts";

/**
 * The request of `countTokens`.
 *
 * @param resource The model as a resource; `undefined`: Vertex's form, where the request's members stand for themselves.
 * @see https://ai.google.dev/api/tokens
 */
export function countRequest(call: Call, model: string, resource: string | undefined): JsonObject {
  const request = generateContent(call, model);
  if (resource !== undefined) return { generateContentRequest: { model: resource, ...request } };
  const { contents, systemInstruction, tools, generationConfig } = request;
  return present({ contents, systemInstruction, tools, generationConfig });
}
