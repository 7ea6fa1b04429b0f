/** What Google's API says, through the common shape and back: nothing of it is lost, and thoughts stay with who had them. */
import { describe, expect, it } from "vitest";
import { eventsFromGoogle, fromGoogle, recorded, said, toGoogle } from "../../../test/support/gemini.ts";
import type { JsonObject } from "../../core/json.ts";
import { words } from "../../core/words.ts";
import { joined } from "./candidate.ts";
import { generateReply } from "./reply-out.ts";
import { chatRequest } from "./request-in.ts";
import { GenerateStream } from "./stream-out.ts";

const ANSWERS = words(`
  chat-text chat-tools chat-reasoning chat-length chat-stop chat-image chat-schema chat-safety chat-blocked
  chat-code
`);

interface Reply {
  candidates?: { content?: { parts: JsonObject[]; role: string } }[];
}
const partsOf = (reply: JsonObject) => (reply as Reply).candidates?.[0]?.content?.parts ?? [];

/** A part as it is without what the gateway adds to it: seals, and ids of calls that had none. */
function plain(part: JsonObject): JsonObject {
  const { thoughtSignature: _, ...rest } = part;
  const call = rest["functionCall"] as JsonObject | undefined;
  const id = call?.["id"];
  if (typeof id !== "string" || !id.startsWith("gemini_")) return rest;
  const { id: _id, ...made } = call!;
  return { ...rest, functionCall: made };
}

const without = (json: JsonObject, name: string): JsonObject =>
  Object.fromEntries(Object.entries(json).filter(([key]) => key !== name));

/** The parts that Google gets when a caller gives back what the gateway gave it. */
function givenBack(parts: JsonObject[], model = "gemini-2.5-flash") {
  const history = {
    contents: [
      { role: "user", parts: [{ text: "hi" }] },
      { role: "model", parts },
    ],
  };
  const { request, told } = toGoogle(chatRequest(history, "route", false), model);
  const contents = request["contents"] as { role: string; parts: JsonObject[] }[];
  return { parts: contents.find(({ role }) => role === "model")?.parts, told };
}

describe.each(ANSWERS)("the answer %s", (name) => {
  it("comes out as Google said it, but for seals, counts of zero and times", () => {
    const reply = said(name);
    const out = generateReply(fromGoogle(reply));
    expect(partsOf(out).map(plain)).toEqual(partsOf(reply).map(plain));
    const bare = (json: JsonObject) => ({
      ...json,
      candidates: (json as Reply).candidates?.map((one) => without(one, "content")),
      usageMetadata: without(json["usageMetadata"] as JsonObject, "cacheTokensDetails"),
    });
    expect(bare(out)).toEqual(bare(reply));
  });

  it("goes back part for part, signatures and all", () => {
    const parts = partsOf(said(name));
    if (parts.length === 0) return;
    const back = givenBack(partsOf(generateReply(fromGoogle(said(name)))));
    expect(back).toEqual({ parts, told: { dropped: [], converted: [], defaulted: [] } });
  });

  it("is the same streamed, and streamed out again", () => {
    const whole = fromGoogle(said(name));
    const events = eventsFromGoogle(recorded(`${name}.sse`));
    const deltas = events.flatMap(({ choices }) => (choices as { delta: JsonObject }[]).map(({ delta }) => delta));
    const choice = (whole["choices"] as JsonObject[])[0]!;
    const { annotations: _, ...message } = choice["message"] as JsonObject;
    if (message["refusal"] === undefined) expect(joined(deltas)).toEqual(message);
    expect(events.at(-1)!["usage"]).toEqual(whole["usage"]);

    const stream = new GenerateStream();
    const replies = [...events.flatMap((event) => stream.event(event)), stream.end()];
    const parts = replies.flatMap(partsOf);
    const last = replies.at(-1)!;
    const { candidates, ...rest } = generateReply(whole);
    const { candidates: ended, ...told } = last;
    expect(told).toEqual(rest);
    const why = (list: unknown) => (list as JsonObject[] | undefined)?.map((one) => without(one, "content"));
    expect(why(ended)).toEqual(why(candidates));
    if (parts.length === 0) return;
    expect(mended(givenBack(parts).parts!)).toEqual(mended(partsOf(said(name))));
  });
});

/** Texts that a stream cut, put together; a signature may come in a part of its own. */
function mended(parts: readonly JsonObject[]): JsonObject[] {
  const out: JsonObject[] = [];
  for (const part of parts) {
    const before = out.at(-1);
    const joins = typeof part["text"] === "string" && typeof before?.["text"] === "string";
    if (joins && before["thought"] === part["thought"] && before["thoughtSignature"] === undefined) {
      out[out.length - 1] = { ...before, ...part, text: `${before["text"] as string}${part["text"] as string}` };
    } else out.push(part);
  }
  return out;
}

describe("thoughts that callers of Google's API hold", () => {
  const foreign = (format: string, detail: JsonObject): JsonObject => ({
    id: "m",
    model: "x",
    choices: [
      {
        index: 0,
        finish_reason: "stop",
        message: {
          role: "assistant",
          content: "42",
          reasoning: "hm",
          reasoning_details: [{ type: "reasoning.text", format, model: "their-model", text: "hm", ...detail }],
        },
      },
    ],
  });
  const anthropic = foreign("anthropic", { signature: "c2lnbmVk", index: 0 });

  it("are sealed in base64 that every SDK of Google's can read", () => {
    const [thought] = partsOf(generateReply(anthropic));
    expect(thought).toMatchObject({ text: "hm", thought: true });
    const seal = thought!["thoughtSignature"] as string;
    expect(Buffer.from(seal, "base64").toString("base64")).toBe(seal);
  });

  it("come back whole as whose they were, and never go to a Gemini model when they are not its own", () => {
    const parts = partsOf(generateReply(anthropic));
    const history = chatRequest(
      {
        contents: [
          { role: "user", parts: [{ text: "hi" }] },
          { role: "model", parts },
        ],
      },
      "r",
      false,
    );
    expect((history["messages"] as JsonObject[])[1]).toEqual((anthropic["choices"] as JsonObject[])[0]!["message"]);
    const back = givenBack(parts);
    expect(back.parts).toEqual([{ text: "42" }]);
    expect(back.told.dropped).toEqual(["messages[1].reasoning_details"]);
    expect(JSON.stringify(back.parts)).not.toContain("c2lnbmVk");
  });

  it("of another Gemini model stay with that one", () => {
    const parts = partsOf(generateReply(fromGoogle(said("chat-tools"), "gemini-3-pro")));
    expect(givenBack(parts, "gemini-3-pro").parts![0]).toMatchObject({
      thoughtSignature: expect.any(String) as string,
    });
    expect(givenBack(parts, "gemini-2.5-flash").parts![0]).not.toHaveProperty("thoughtSignature");
  });

  it("from Google itself, without a gateway, are a Gemini model's", () => {
    const { parts } = givenBack(partsOf(said("chat-reasoning")));
    expect(parts!.at(-1)).toEqual(partsOf(said("chat-reasoning")).at(-1));
  });

  it("come in pieces of a stream, and go back as one", () => {
    const stream = new GenerateStream();
    const event = (delta: JsonObject, finish_reason: string | null = null) => ({
      id: "m",
      model: "x",
      choices: [{ index: 0, delta, finish_reason }],
    });
    const detail = { type: "reasoning.text", format: "anthropic", model: "their-model", index: 0 };
    const events = [
      event({ role: "assistant", content: "" }),
      event({ reasoning: "h", reasoning_details: [{ ...detail, text: "h" }] }),
      event({ reasoning: "m", reasoning_details: [{ ...detail, text: "m" }] }),
      event({ reasoning_details: [{ ...detail, signature: "c2lnbmVk" }] }),
      event({ content: "42" }),
      event({}, "stop"),
    ];
    const parts = [...events.flatMap((one) => stream.event(one)), stream.end()].flatMap(partsOf);
    expect(parts.map(({ text, thought }) => [text, thought])).toEqual([
      ["h", true],
      ["m", true],
      ["", true],
      ["42", undefined],
      ["", undefined],
    ]);
    const history = chatRequest({ contents: [{ role: "model", parts }] }, "r", false);
    expect((history["messages"] as JsonObject[])[0]).toEqual((anthropic["choices"] as JsonObject[])[0]!["message"]);
  });
});
