import { describe, expect, it } from "vitest";
import { Body } from "./body.ts";

const of = (text: string) => Body.ofBytes(Buffer.from(text, "latin1"));
const chat = (messages: string, more = "") => `{"model":"chat","messages":${messages}${more}}`;
const HI = '{"role":"user","content":"hi"}';

/** The same bytes on every run; from 0 to below `below`. https://en.wikipedia.org/wiki/Xorshift */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

describe("Body.brief", () => {
  it.each([
    [`[${HI}]`],
    [`[${HI},{"role":"assistant","content":""}]`],
    [' [ { "role" : "system" , "content" : "a\\"b\\\\\\u00e9\\ud83d" } ,\n {"role":"developer","content":"x"} ] '],
  ])("knows the plain messages %s, and parses the rest", (messages) => {
    const body = of(chat(messages, ',"n":1,"stop":["a"],"x":null'));
    expect(body.brief).toEqual({
      model: "chat",
      messages: [{ role: "user", content: "" }],
      n: 1,
      stop: ["a"],
      x: null,
    });
    expect(body.isTalk).toBe(true);
  });

  it.each([
    ["no messages", '{"model":"chat"}'],
    ["an empty list", chat("[]")],
    ["a text in place of the list", chat('"[]"')],
    ["a role that is not known everywhere", chat('[{"role":"tool","content":"x"}]')],
    ["a member more", chat('[{"role":"user","content":"x","name":"y"}]')],
    ["another order", chat('[{"content":"x","role":"user"}]')],
    ["parts", chat('[{"role":"user","content":[]}]')],
    ["a line break within a text", chat('[{"role":"user","content":"a\nb"}]')],
    ["an escape that is none", chat('[{"role":"user","content":"\\x"}]')],
    ["half an escape", chat('[{"role":"user","content":"\\u00e"}]')],
    ["a comma too many", chat(`[${HI},]`)],
    ["a key that means something", chat(`[${HI}]`, ',"__proto__":{}')],
    ["a line break within a key", chat(`[${HI}]`, ',"a\nb":1')],
    ["a key twice", chat(`[${HI}]`, ',"model":"b"')],
    ["more than 8 KiB", chat(`[${HI}]`, `,"x":"${"y".repeat(8192)}"`)],
  ])("is not known for %s", (_, text) => {
    expect(of(text).brief).toBeUndefined();
    expect(of(text).isTalk).toBe(false);
  });

  it("is no longer known when messages are put in place, and is anew when another member is", () => {
    const body = of(chat(`[${HI}]`));
    expect(body.brief).toBeDefined();
    body.set("model", "other");
    expect([body.brief?.["model"], body.isTalk]).toEqual(["other", true]);
    body.set("messages", [{ role: "tool", content: "x" }]);
    expect([body.brief, body.isTalk]).toEqual([undefined, false]);
  });

  it("refuses what the whole would be refused for", () => {
    const text = chat(`[${HI}]`, ',"n":tru');
    expect(() => of(text).brief).toThrow(expect.objectContaining({ fault: { reason: "BODY_MALFORMED" } }));
  });

  it("knows nothing of what JSON.parse reads otherwise, however the bytes are bent", () => {
    const roll = dice(7);
    const seeds = [
      chat(`[${HI},{ "role":"assistant", "content":"a\\n\\u00e9" }]`, ',"n":1,"stop":["a"],"user":"\\"q"'),
    ];
    const BENT = ['"', "\\", "{", "}", "[", "]", ",", ":", "u", "\n", "\x01", " ", "0", "-", "e", "n", "role", "é"];
    let known = 0;
    for (let i = 0; i < 30_000; i++) {
      let text = seeds[0]!;
      for (let k = roll(3); k >= 0; k--) {
        const at = roll(text.length);
        text = text.slice(0, at) + BENT[roll(BENT.length)]! + text.slice(at + roll(3));
      }
      const body = Body.ofBytes(Buffer.from(text));
      let brief: unknown;
      try {
        brief = body.brief;
      } catch {
        expect(() => JSON.parse(text)).toThrow();
        continue;
      }
      if (brief === undefined) continue;
      known++;
      const json = JSON.parse(text) as { messages: object[] };
      expect({ ...json, messages: [{ role: "user", content: "" }] }).toEqual(brief);
      for (const one of json.messages) {
        expect(one).toEqual({
          role: expect.stringMatching(/^(system|user|developer|assistant)$/),
          content: expect.any(String),
        });
      }
    }
    expect(known).toBeGreaterThan(1000);
  });
});
