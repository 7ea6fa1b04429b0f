/** Streams of MLflow's deployments server: OpenAI's chunks, with members that are always there. */
import { openAIStream } from "./openai.ts";
import { framesOf, type Heard, must, parsed } from "./told.ts";

/** Throws `Ungrammatical`. */
export function mlflowStream(body: string): Heard {
  for (const { data } of framesOf(body)) {
    if (data === "[DONE]") continue;
    const json = parsed(data);
    if (json["error"] !== undefined) continue;
    for (const name of ["id", "object", "created", "model", "choices"]) must(name in json, `${name} is not there`);
    for (const choice of json["choices"] as Record<string, unknown>[]) {
      for (const name of ["index", "finish_reason", "delta"]) must(name in choice, `choices.${name} is not there`);
      const delta = choice["delta"] as Record<string, unknown>;
      must("role" in delta && "content" in delta, "a delta has no role or content");
    }
  }
  return openAIStream(body);
}
