import type { Operation } from "../../core/call.ts";
import type { Member } from "../../core/survey.ts";
import { Walk } from "../../core/walk.ts";
import { NOISE } from "./members.ts";

const BRACE = 0x7b;
const BRACKET = 0x5b;
/** Deepest nesting that is walked through. */
const DEPTH = 64;

/**
 * What `modernReply` makes of a reply, from its bytes: members change their places, and nobody parses them or writes them anew.
 * For a reply of 32 KB that takes a tenth of the time, and numbers stay as they are spelt.
 *
 * @param exact Without what MLflow would have dropped, each choice numbered by its place; of a chat alone.
 * @returns `undefined`: this is not the common case, and the reply has to be parsed.
 */
export function modernBytes(op: Operation, bytes: Buffer, exact = false): Buffer | undefined {
  if (op === "embeddings") return undefined;
  // A letter for each byte: what is cut at bytes and put together is the same bytes again.
  const text = bytes.toString("latin1");
  const walk = new Walk(bytes, text);
  const top: Member[] = [];
  const usage: Member[] = [];
  let choices: string | undefined;
  let count = 0;
  const end = walk.object(walk.start, DEPTH, top, (key, start, left) => {
    if (key === "usage" && bytes[start] === BRACE) return walk.object(start, left, usage);
    if (key !== "choices" || bytes[start] !== BRACKET) return undefined;
    choices = "";
    return walk.list(start, left, (at, depth) => {
      // As everywhere: what is no object is no choice.
      if (bytes[at] !== BRACE) return walk.skip(at, depth);
      const choice: Member[] = [];
      const message: Member[] = [];
      const stop = walk.object(at, depth, choice, (name, from, inner) =>
        op === "chat" && name === "message" && bytes[from] === BRACE ? walk.object(from, inner, message) : undefined,
      );
      const told = op === "chat" ? chatChoice(text, choice, message, count, exact) : textChoice(text, choice, count);
      choices += count++ === 0 ? told : `,${told}`;
      return stop;
    });
  });
  if (choices === undefined || end < 0 || !walk.isEnd(end)) return undefined;
  const of = (key: string) => memberIn(text, top, key) ?? "null";
  const object = op === "chat" ? "chat.completion" : "text_completion";
  const head = `{"id":${of("id")},"object":"${object}","created":${of("created")},"model":${of("model")}`;
  const told = `${head},"choices":[${choices}],"usage":${usageText(text, usage, exact)}${exact ? "" : rest(text, top, REPLY)}}`;
  return Buffer.from(told, "latin1");
}

const REPLY = new Set(["id", "object", "created", "model", "choices", "usage"]);
const CHOICE = new Set(["index", "message", "finish_reason"]);
const MESSAGE = new Set(["role", "content", "tool_calls", "refusal"]);
/** Some servers tell completions twice, as chats too; MLflow does not. */
const TEXT = new Set(["index", "text", "finish_reason", "message"]);
const USAGE = new Set(["prompt_tokens", "completion_tokens", "total_tokens"]);

function chatChoice(
  text: string,
  choice: readonly Member[],
  message: readonly Member[],
  at: number,
  exact: boolean,
): string {
  const of = (key: string, absent = "null") => memberIn(text, message, key) ?? absent;
  const said = `"role":${of("role", '"assistant"')},"content":${of("content")},"tool_calls":${of("tool_calls")}`;
  const whole = `{${said},"refusal":${of("refusal")}${exact ? "" : rest(text, message, MESSAGE)}}`;
  const index = (exact ? undefined : memberIn(text, choice, "index")) ?? at;
  const reason = memberIn(text, choice, "finish_reason") ?? "null";
  return `{"index":${index},"message":${whole},"finish_reason":${reason}${exact ? "" : rest(text, choice, CHOICE)}}`;
}

function textChoice(text: string, choice: readonly Member[], at: number): string {
  const of = (key: string, absent: string) => memberIn(text, choice, key) ?? absent;
  const head = `{"index":${of("index", String(at))},"text":${of("text", '""')},"finish_reason":${of("finish_reason", "null")}`;
  return `${head}${rest(text, choice, TEXT)}}`;
}

function usageText(text: string, usage: readonly Member[], exact: boolean): string {
  const of = (key: string) => `"${key}":${memberIn(text, usage, key) ?? "null"}`;
  return `{${of("prompt_tokens")},${of("completion_tokens")},${of("total_tokens")}${exact ? "" : rest(text, usage, USAGE)}}`;
}

function memberIn(text: string, members: readonly Member[], key: string): string | undefined {
  for (const one of members) if (one.key === key) return text.slice(one.start, one.end);
  return undefined;
}

/** The members that are not told yet, as `withRest` has them. */
function rest(text: string, members: readonly Member[], told: ReadonlySet<string>): string {
  let out = "";
  for (const { key, start, end } of members) {
    if (told.has(key) || NOISE.has(key)) continue;
    const value = text.slice(start, end);
    if (value !== "null" && !/^\[\s*\]$/.test(value)) out += `,"${key}":${value}`;
  }
  return out;
}
