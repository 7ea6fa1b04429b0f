/** What callers of Google's API get of every provider: pieces of a stream that joined are the whole answer. */
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/core/json.ts";
import { generateReply } from "../../src/dialects/gemini/reply-out.ts";
import { chatRequest } from "../../src/dialects/gemini/request-in.ts";
import { GenerateStream } from "../../src/dialects/gemini/stream-out.ts";
import { answered, type Case, type Contracted, contracted, opened } from "../support/provider-contract.ts";
import type { RecordingSink } from "../support/sink.ts";

const all = await contracted();
/** Presets share a contract: one of each is enough. */
const each = all
  .filter((one) => all.find(({ contract }) => contract === one.contract) === one)
  .filter(({ contract }) => contract.cases.some(isStreamed));

function isStreamed({ op, stream }: Case): boolean {
  return op === "chat" && stream !== undefined;
}

interface Reply extends JsonObject {
  candidates?: { content?: { parts: JsonObject[]; role: string }; finishReason?: string }[] & JsonObject[];
}

const told = (sink: RecordingSink, what: string): JsonObject[] =>
  sink.told
    .filter((one) => one.startsWith(`${what} `))
    .map((one) => JSON.parse(one.slice(what.length + 1)) as JsonObject);

async function answer(one: Contracted, of: Case, stream: boolean): Promise<RecordingSink> {
  const upstream = opened(one, of.settings);
  return answered(
    upstream,
    { ...of, model: of.model ?? one.contract.model },
    one.file(stream ? of.stream! : of.reply),
    {
      stream,
    },
  );
}

async function whole(one: Contracted, of: Case): Promise<Reply> {
  return generateReply(told(await answer(one, of, false), "reply")[0]!) as Reply;
}

async function streamed(one: Contracted, of: Case): Promise<Reply[]> {
  const out = new GenerateStream();
  const events = told(await answer(one, of, true), "event");
  return [...events.flatMap((event) => out.event(event)), out.end()] as Reply[];
}

const partsOf = (replies: readonly Reply[]) => replies.flatMap((one) => one.candidates?.[0]?.content?.parts ?? []);

/** Parts by what they say; texts that follow one another are one. Seals are compared by what comes back. */
function said(parts: readonly JsonObject[]): JsonObject[] {
  const found: JsonObject[] = [];
  for (const { thoughtSignature: _, ...part } of parts) {
    const last = found.at(-1);
    const joins = typeof part["text"] === "string" && typeof last?.["text"] === "string";
    if (joins && last["thought"] === part["thought"])
      last["text"] = `${last["text"] as string}${part["text"] as string}`;
    else found.push({ ...part });
  }
  return found.filter(({ text, ...more }) => text !== "" || (Object.keys(more).length > 0 && more["thought"] !== true));
}

/** What a caller who gives the parts back has said, in the common shape. */
function back(parts: JsonObject[]): JsonObject {
  const { messages } = chatRequest({ contents: [{ role: "model", parts }] }, "r", false);
  const { reasoning, reasoning_details, content } = (messages as JsonObject[])[0]!;
  // Where a thought stands in the list of an answer, a stream tells later.
  const details = (reasoning_details as JsonObject[] | undefined)?.map((one) => ({ ...one, index: 0 }));
  return { reasoning, content, reasoning_details: details } as JsonObject;
}

describe.each(each)("of $kind", (one) => {
  const cases = one.contract.cases.filter(isStreamed);

  it.each(cases)("the stream $name is the whole answer", async (of) => {
    const reply = await whole(one, of);
    const replies = await streamed(one, of);
    const last = replies.at(-1)!;
    // A model may think, say and call in turns; a whole answer of the common shape has each by itself.
    const kinds = (parts: JsonObject[]) => {
      const list = said(parts);
      const text = (thought: boolean) =>
        list
          .filter((part) => typeof part["text"] === "string" && (part["thought"] === true) === thought)
          .map((part) => part["text"] as string)
          .join("");
      return { text: text(false), thoughts: text(true), others: list.filter((part) => part["text"] === undefined) };
    };
    expect(kinds(partsOf(replies))).toEqual(kinds(partsOf([reply])));
    expect(last.candidates?.[0]?.finishReason).toBe(reply.candidates?.[0]?.finishReason);
    expect(last["usageMetadata"]).toEqual(reply["usageMetadata"]);
    for (const piece of replies.slice(0, -1)) {
      expect(piece.candidates!.every(({ finishReason }) => finishReason === undefined)).toBe(true);
      expect(piece["usageMetadata"]).toBeUndefined();
    }
  });

  it.each(cases)("the thoughts of $name come back alike, whole and streamed", async (of) => {
    expect(back(partsOf(await streamed(one, of)))).toEqual(back(partsOf([await whole(one, of)])));
  });
});
