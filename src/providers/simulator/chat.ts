import { isObject, type JsonObject } from "../../core/json.ts";
import { calledTools, makeCalls, type ToolCall } from "./calls.ts";
import { checkWork, flag, Refusal, stops, whole, wordsOf } from "./request.ts";
import { sample } from "./schema.ts";
import { dice } from "./seed.ts";
import { endText, objects, sentence } from "./text.ts";
import { countTokens } from "./tokens.ts";

/** One answer, before it is known how it is sent. */
export interface ChatChoice {
  readonly index: number;
  /** Decides what is left to chance in this choice. */
  readonly seed: string;
  /** `null` when tools are called. */
  readonly content: string | null;
  readonly calls: readonly ToolCall[];
  readonly tokens: number;
  readonly finish: "stop" | "length" | "tool_calls";
}

/** All that a chat request is answered with. */
export interface Chat {
  readonly choices: readonly ChatChoice[];
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** `undefined`: no log probabilities are wanted. */
  readonly top: number | undefined;
}

/**
 * Answers a chat request. Throws `Refusal` for what OpenAI would refuse too.
 *
 * @param hash Of the request; decides ids, arguments and how the text is cut up.
 * @param reply What to say; empty: the sentence that repeats the last message.
 */
export function chat(request: JsonObject, hash: string, reply: string): Chat {
  const messages = objects(request["messages"]);
  if (messages === undefined) throw new Refusal("messages must be a list of at least one message.", "messages");
  const n = whole(request, "n", 1, 128) ?? 1;
  const most =
    whole(request, "max_completion_tokens", 1, Number.MAX_SAFE_INTEGER) ??
    whole(request, "max_tokens", 1, Number.MAX_SAFE_INTEGER) ??
    Number.POSITIVE_INFINITY;
  const top = topOf(request);
  const last = messages.at(-1)!;
  const tools = calledTools(request, last["role"] === "user" ? wordsOf(last["content"]) : "");
  const ends = stops(request);
  const answer = (index: number): ChatChoice => {
    const seed = `${index}_${hash}`;
    if (tools.length > 0) return { index, seed, content: null, ...limited(makeCalls(tools, seed), most) };
    const { text, tokens, finish } = endText(said(request, messages, seed, reply, index, n), ends, most);
    return { index, seed, content: text, calls: [], tokens, finish };
  };
  const first = answer(0);
  checkWork(first.tokens * n, top ?? 0);
  const choices = [first];
  for (let index = 1; index < n; index++) choices.push(answer(index));
  return {
    choices,
    promptTokens: messages.reduce((sum, message) => sum + messageTokens(message), 0),
    completionTokens: choices.reduce((sum, { tokens }) => sum + tokens, 0),
    top,
  };
}

function said(
  request: JsonObject,
  messages: readonly JsonObject[],
  seed: string,
  reply: string,
  index: number,
  of: number,
): string {
  const heard = messages.findLast(({ role }) => role === "user" || role === "tool") ?? messages.at(-1)!;
  const words = wordsOf(heard["content"]);
  const { response_format: format } = request;
  if (isObject(format) && format["type"] === "json_schema") {
    const { json_schema: named } = format;
    if (!isObject(named)) {
      throw new Refusal("response_format.json_schema is required with type json_schema.", "response_format");
    }
    return JSON.stringify(sample(named["schema"] ?? {}, dice(`${seed}:json`)));
  }
  if (isObject(format) && format["type"] === "json_object") return JSON.stringify({ simulated: true, you_said: words });
  return reply === "" ? sentence(heard["role"] === "tool" ? "The tool" : "You", words, index, of) : reply;
}

/** Arguments cost tokens too: with too few allowed, the last call's are cut in the middle, as a model's would be. */
function limited(calls: readonly ToolCall[], most: number): Pick<ChatChoice, "calls" | "tokens" | "finish"> {
  const kept: ToolCall[] = [];
  let tokens = 0;
  for (const call of calls) {
    const input = endText(call.input, [], most - tokens);
    kept.push({ ...call, input: input.text });
    tokens += input.tokens;
    if (input.finish === "length") return { calls: kept, tokens, finish: "length" };
  }
  return { calls: kept, tokens, finish: "tool_calls" };
}

function topOf(request: JsonObject): number | undefined {
  const top = whole(request, "top_logprobs", 0, 20);
  if (flag(request, "logprobs")) return top ?? 0;
  if (top === undefined) return undefined;
  throw new Refusal("top_logprobs is only allowed with logprobs.", "top_logprobs");
}

function messageTokens(message: JsonObject): number {
  let tokens = countTokens(wordsOf(message["content"]));
  for (const call of objects(message["tool_calls"]) ?? []) {
    const { function: made } = call;
    if (isObject(made) && typeof made["arguments"] === "string") tokens += countTokens(made["arguments"]);
  }
  return tokens;
}
