/** What callers of Anthropic's API get of every provider: a stream by its grammar, which joined is the whole answer. */
import { describe, expect, it } from "vitest";
import { type JsonObject, textIn } from "../../src/core/json.ts";
import { replyOut } from "../../src/dialects/anthropic/reply-out.ts";
import { requestIn } from "../../src/dialects/anthropic/request-in.ts";
import { StreamOut } from "../../src/dialects/anthropic/stream-out.ts";
import { withThoughts } from "../../src/dialects/openai/reasoning.ts";
import { joined, tidy } from "../support/anthropic.ts";
import { answered, type Case, type Contracted, contracted, opened } from "../support/provider-contract.ts";
import type { RecordingSink } from "../support/sink.ts";

const all = await contracted();
/** Presets share a contract: one of each is enough. */
const each = all.filter((one) => all.find(({ contract }) => contract === one.contract) === one);

const told = (sink: RecordingSink, what: string): JsonObject[] =>
  sink.told
    .filter((one) => one.startsWith(`${what} `))
    .map((one) => JSON.parse(one.slice(what.length + 1)) as JsonObject);

function asked(one: Contracted, of: Case) {
  return { ...of, model: of.model ?? one.contract.model };
}

async function whole(one: Contracted, of: Case): Promise<JsonObject> {
  const upstream = opened(one, of.settings);
  const sink = await answered(upstream, asked(one, of), one.file(of.reply), { stream: false });
  return replyOut(told(sink, "reply")[0]!, "r");
}

async function streamed(one: Contracted, of: Case): Promise<JsonObject> {
  const upstream = opened(one, of.settings);
  const sink = await answered(upstream, asked(one, of), one.file(of.stream!), { stream: true });
  const out = new StreamOut("r");
  return joined(
    told(sink, "event")
      .map((event) => out.event(event))
      .join("") + out.end(),
  );
}

/** What both tell; ids and times are of each answer. Signatures come where the provider puts them, apart from their thoughts too. */
function comparable({ content, stop_reason, stop_sequence, usage }: JsonObject): JsonObject {
  const isSecret = ({ type }: JsonObject) => type === "redacted_thinking";
  const blocks = content as JsonObject[];
  const said = blocks
    .map(({ type, text, thinking, name, input }) => ({ type, text, thinking, name, input }) as JsonObject)
    .filter((block) => !isSecret(block) && (block["text"] ?? block["thinking"]) !== "");
  const secrets = blocks.filter(isSecret).length;
  return tidy({ content: merged(said), secrets, stop_reason, stop_sequence, usage } as JsonObject) as JsonObject;
}

/** Texts that follow one another are one text, and thoughts likewise. */
function merged(blocks: readonly JsonObject[]): JsonObject[] {
  const found: JsonObject[] = [];
  for (const block of blocks) {
    const last = found.at(-1);
    const name = block["type"] === "text" ? "text" : "thinking";
    if (last?.["type"] === name && block["type"] === name)
      last[name] = (last[name] as string) + (block[name] as string);
    else found.push({ ...block });
  }
  return found;
}

describe.each(each)("$kind", (one) => {
  const chats = one.contract.cases.filter(({ op }) => op === "chat");

  it.each(chats)("answers $name in Anthropic's words", async (of) => {
    const { content, stop_reason } = await whole(one, of);
    const { text = "", tool_calls = [] } = of.answer;
    const blocks = content as JsonObject[];
    expect(blocks.map((block) => (block["type"] === "text" ? textIn(block["text"]) : "")).join("")).toContain(text);
    expect(blocks.filter(({ type }) => type === "tool_use").map(({ name }) => name)).toEqual(
      tool_calls.map(({ name }) => name),
    );
    expect(stop_reason).toMatch(
      /^(?:end_turn|max_tokens|stop_sequence|tool_use|pause_turn|refusal|model_context_window_exceeded)$/,
    );
  });

  it.each(chats.filter(({ answer }) => answer.reasoning !== undefined))(
    "gets what it thought in $name back from a caller as it was",
    async (of) => {
      const sink = await answered(opened(one, of.settings), asked(one, of), one.file(of.reply), { stream: false });
      const reply = told(sink, "reply")[0]!;
      const [{ message }] = reply["choices"] as [{ message: JsonObject }];
      const turn = { role: "assistant", content: replyOut(reply, "r")["content"]! };
      const back = requestIn({ max_tokens: 1, messages: [turn] })["messages"] as JsonObject[];
      const details = (of: JsonObject | undefined) => new Set((of?.["reasoning_details"] ?? []) as JsonObject[]);
      expect(details(back[0])).toEqual(details(withThoughts(message, reply["model"])));
    },
  );

  it.each(chats.filter(({ stream }) => stream !== undefined))("streams $name as it answers it", async (of) => {
    expect(comparable(await streamed(one, of))).toEqual(comparable(await whole(one, of)));
  });
});
