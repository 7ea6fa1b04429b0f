import { describe, expect, it } from "vitest";
import { callOf, planOf, targetOf } from "../../test/support/plan.ts";
import { wires } from "../../test/support/sink.ts";
import { checkedReply } from "./answer.ts";

function check(text: string, op: "chat" | "embeddings" = "chat") {
  const target = targetOf(wires().exchange);
  const call = callOf(planOf([target], { op }), false);
  call.target = target;
  const body = checkedReply(call, Buffer.from(text), 200, {}, false);
  return { bytes: body.bytes.toString(), usage: call.usage };
}

describe("a whole reply", () => {
  it("is sent on as it came, repeated and escaped keys and all", () => {
    const text = ' {"id":1,"id":2,"c\\u0068oices":0,"choices":[] , "n":1.0}\n';
    expect(check(text).bytes).toBe(text);
  });

  it.each([
    ['{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}', { promptTokens: 1, completionTokens: 2 }],
    ['{"usage" : {"prompt_tokens":1},"choices":[{"message":{"content":"\\"usage\\":{}"}}]}', { promptTokens: 1 }],
    ['{"choices":[],"usage":null,"x":{"prompt_tokens":9}}', undefined],
    ['{"choices":[],"usage":{"prompt_tokens":"many"}}', {}],
    ['{"choices":[]}', undefined],
  ])("tells its usage: %s", (text, usage) => {
    expect(check(text).usage).toEqual(usage);
  });

  it.each([
    ['{"error":{"message":"no","code":429}}', "UPSTREAM_BUSY"],
    ['{"choices":[],"error":{"message":"no"}}', "UPSTREAM_FAILED"],
    ['{"choices":[]', "UPSTREAM_FAILED"],
    ['"choices"', "UPSTREAM_FAILED"],
    ['{"data":[]}', "UPSTREAM_FAILED"],
    ["", "UPSTREAM_FAILED"],
  ])("that is %s fails as %s", (text, reason) => {
    expect(() => check(text)).toThrow(expect.objectContaining({ fault: expect.objectContaining({ reason }) }));
  });

  it("may have an error that is null, and may speak of errors", () => {
    const text = '{"choices":[{"message":{"content":"\\"error\\""}}],"error":null}';
    expect(check(text).bytes).toBe(text);
    expect(check('{"data":[]}', "embeddings").bytes).toBe('{"data":[]}');
  });
});
