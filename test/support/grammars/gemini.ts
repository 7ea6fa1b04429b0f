/** Streams of Gemini's generateContent with `alt=sse`. @see https://ai.google.dev/api/generate-content */
import { framesOf, type Heard, must, nothing, parsed } from "./told.ts";

type Json = Record<string, unknown>;

/** Throws `Ungrammatical`. Every event is an answer's piece; calls are whole; the last of a candidate says why it ended. */
export function geminiStream(body: string): Heard {
  const heard = nothing();
  const frames = framesOf(body);
  must(frames.length > 0, "nothing was sent");
  for (const [at, { data, event }] of frames.entries()) {
    must(event === undefined, "events have no names here");
    const json = parsed(data);
    if (json["error"] !== undefined) {
      must(at === frames.length - 1, "something follows an error");
      heard.failed = (json["error"] as Json)["message"] as string;
      continue;
    }
    const usage = json["usageMetadata"] as Json | undefined;
    if (usage) {
      const tools = (usage["toolUsePromptTokenCount"] as number | undefined) ?? 0;
      heard.input = (usage["promptTokenCount"] as number) + tools;
      const thoughts = (usage["thoughtsTokenCount"] as number | undefined) ?? 0;
      heard.output = ((usage["candidatesTokenCount"] as number | undefined) ?? 0) + thoughts;
    }
    const blocked = (json["promptFeedback"] as Json | undefined)?.["blockReason"];
    if (blocked !== undefined) heard.finish = blocked as string;
    const candidates = (json["candidates"] ?? []) as Json[];
    must(candidates.length > 0 || usage || json["promptFeedback"], "an event with nothing in it");
    for (const candidate of candidates) candidateOf(candidate, heard);
  }
  must(heard.failed !== undefined || heard.finish !== undefined, "no candidate was finished");
  return heard;
}

function candidateOf(candidate: Json, heard: Heard): void {
  const content = candidate["content"] as Json | undefined;
  const parts = (content?.["parts"] ?? []) as Json[];
  must(heard.finish === undefined || parts.length === 0, "something follows a finish reason");
  if (content) must(content["role"] === "model", "content is not the model's");
  for (const part of parts) {
    const call = part["functionCall"] as Json | undefined;
    if (call) {
      must(
        typeof call["name"] === "string" && typeof (call["args"] ?? {}) === "object",
        "a call has no name, or arguments in text",
      );
      heard.calls.push({
        id: call["id"] as string | undefined,
        name: call["name"],
        arguments: JSON.stringify(call["args"] ?? {}),
      });
    } else if (part["thought"] === true) heard.reasoning += (part["text"] as string | undefined) ?? "";
    else heard.text += (part["text"] as string | undefined) ?? "";
  }
  if (candidate["finishReason"] !== undefined) heard.finish = candidate["finishReason"] as string;
}
