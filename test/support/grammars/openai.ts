/** Streams of OpenAI's chat completions. @see https://platform.openai.com/docs/api-reference/chat/streaming */
import { framesOf, type Heard, must, nothing, parsed } from "./told.ts";

interface Chunk {
  readonly object?: string;
  readonly choices?: readonly {
    readonly index: number;
    readonly delta?: Readonly<Record<string, unknown>>;
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: { readonly prompt_tokens?: number; readonly completion_tokens?: number } | null;
  readonly error?: { readonly message: string };
}

interface Piece {
  readonly index?: number;
  readonly id?: string;
  readonly type?: string;
  readonly function?: { readonly name?: string; readonly arguments?: string };
}

/** Throws `Ungrammatical`. Every choice says who speaks first; nothing follows a finish; `[DONE]` is last, or an error. */
export function openAIStream(body: string): Heard {
  const heard = nothing();
  const frames = framesOf(body);
  must(frames.length > 0, "nothing was sent");
  const last = frames.at(-1)!;
  for (const [at, { data }] of frames.entries()) {
    if (data === "[DONE]") {
      must(at === frames.length - 1, "something follows [DONE]");
      continue;
    }
    const chunk = parsed(data) as Chunk;
    if (chunk.error) {
      must(at === frames.length - 1, "something follows an error");
      heard.failed = chunk.error.message;
      continue;
    }
    must(chunk.object === "chat.completion.chunk", `object is ${chunk.object}`);
    chunkOf(chunk, heard, at);
  }
  if (heard.failed === undefined) {
    must(last.data === "[DONE]", "a whole stream ends with [DONE]");
    must(heard.finish !== undefined, "no choice was finished");
  }
  return heard;
}

function chunkOf({ choices, usage }: Chunk, heard: Heard, at: number): void {
  must(Array.isArray(choices), "no choices");
  if (usage) {
    heard.input = usage.prompt_tokens;
    heard.output = usage.completion_tokens;
  }
  for (const { index, delta = {}, finish_reason } of choices ?? []) {
    must(Number.isInteger(index), "a choice has no index");
    const empty = Object.values(delta).every((value) => value === null || value === "");
    must(heard.finish === undefined || (empty && !finish_reason), "something follows a finish reason");
    if (at === 0) must(delta["role"] === "assistant", "the first event does not say who speaks");
    heard.text += (delta["content"] as string | null | undefined) ?? "";
    heard.reasoning += ((delta["reasoning"] ?? delta["reasoning_content"]) as string | null | undefined) ?? "";
    for (const piece of (delta["tool_calls"] as readonly Piece[] | null | undefined) ?? []) pieceOf(piece, heard);
    if (finish_reason) heard.finish = finish_reason;
  }
}

function pieceOf({ index, id, type, function: told }: Piece, heard: Heard): void {
  must(Number.isInteger(index), "a tool call has no index");
  const known = heard.calls[index!];
  if (known === undefined) {
    must(index === heard.calls.length, `call ${index} comes before call ${heard.calls.length}`);
    must(
      typeof id === "string" && id !== "" && type === "function" && told?.name,
      "a call begins without id, type or name",
    );
    heard.calls.push({ id, name: told.name, arguments: told.arguments ?? "" });
  } else {
    must(!told?.name, "a call is named twice");
    known.arguments += told?.arguments ?? "";
  }
}
