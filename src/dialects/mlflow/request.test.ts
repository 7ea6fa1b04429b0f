import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Body } from "../../core/body.ts";
import type { HeaderMap, Operation } from "../../core/call.ts";
import { asGatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { readBody } from "./body.ts";
import { mlflowError, mlflowStatus } from "./fault.ts";
import type { MlflowRefusal } from "./issue.ts";
import { toCommon } from "./request.ts";
import { speechOf } from "./speech.ts";

/** One exchange with a real MLflow: `test/golden/fixtures/README.md`. */
interface Golden {
  readonly name: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly send?: string;
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly upstream: readonly JsonObject[];
}

const OPS = ["completions", "chat", "embeddings"] as const;

function ask(op: Operation, send: string, headers: HeaderMap = {}) {
  const { body, speech } = readBody(op, { "content-type": "application/json", ...headers }, Buffer.from(send));
  const asked = toCommon(op, body, speech);
  return { text: asked.body.bytes.toString(), stream: asked.stream };
}

/** What goes upstream, or the refusal. */
function outcome(op: Operation, send: string, headers: HeaderMap) {
  try {
    return JSON.parse(ask(op, send, headers).text);
  } catch (thrown) {
    const error = asGatewayError(thrown);
    return { status: mlflowStatus(error), ...JSON.parse(mlflowError(error)) };
  }
}

/** Cases in which we answer otherwise than what was captured, each with its reason. */
const DIFFERENT: Record<string, string> = {
  "2.8.1 inv.nan": "MLflow fails with 500 on NaN, which is no JSON; here 422",
  "2.8.1 inv.completions.prompt_and_messages": "2.8 makes a chat of the prompt and drops the messages; here both go on",
  "2.22.5 inv.nan": "MLflow fails with 500 on NaN, which is no JSON; here 422",
  "2.22.5 inv.chat.extras": "MLflow 2.22 drops the name of a message",
  "2.22.5 inv.chat.tools_nested_schema": "MLflow 2.22 drops nested schemas",
};

describe.each(["2.8.1", "2.22.5"])("what a client of MLflow %s sends becomes what MLflow sent on", (version) => {
  const file = new URL(`../../../test/golden/fixtures/mlflow-${version}.json`, import.meta.url);
  const cases = (JSON.parse(readFileSync(file, "utf8")) as Golden[]).filter(
    ({ name, path }) => OPS.some((op) => path === `/gateway/${op}/invocations`) && !/get_method|options/.test(name),
  );

  it.each(cases.map((one) => [one.name, one] as const))("%s", (name, golden) => {
    const op = OPS.find((one) => golden.path.includes(one))!;
    const got = outcome(op, golden.send ?? "", { "user-agent": `mlflow-python-client/${version}`, ...golden.headers });
    const sent = golden.upstream[0];
    const refused = () => ({ status: golden.status, ...(golden.type.includes("json") && JSON.parse(golden.body)) });
    const want = sent === undefined ? refused() : common(op, sent, version === "2.8.1");
    const why = DIFFERENT[`${version} ${name}`];
    if (why === undefined) expect(got).toEqual(want);
    else expect(got, why).not.toEqual(want);
  });
});

/** What went upstream, without what the provider adds; MLflow 2.8 sends completions as a chat. */
function common(op: Operation, { model, ...upstream }: JsonObject, legacy: boolean): JsonObject {
  if (!legacy || op !== "completions") return upstream;
  const { messages, ...rest } = upstream;
  return { ...rest, prompt: (messages as { content: string }[])[0]!.content };
}

const TOOLS = `[{"type":"function","function":{"name":"f","parameters":{"properties":{"a":{"items":{"anyOf":[{"const":1e2}]}}}}}}]`;

describe("a request's bytes", () => {
  it("are the caller's own when nothing has to change", () => {
    const sent = `{ "messages": [{"role":"user","content":"hi"}], "tools": ${TOOLS}, "seed": 12345678901234567890, "stream":true }`;
    expect(ask("chat", sent)).toEqual({ text: sent, stream: true });
  });

  it("stay the caller's own for each member that does not change", () => {
    const sent = `{"tools":${TOOLS},"seed":12345678901234567890,"user":null,"messages":[{"role":"user","content":"hi"}],"n":"2"}`;
    expect(ask("chat", sent, { "user-agent": "mlflow-python-client/2.22.5" }).text).toBe(
      `{"temperature":0.0,"n":2,"messages":[{"role":"user","content":"hi"}],"tools":${TOOLS},"seed":12345678901234567890}`,
    );
  });

  it("get no default from a caller of unknown make, and only the count from MLflow 3", () => {
    const sent = `{"prompt":"hi"}`;
    expect(ask("completions", sent).text).toBe(sent);
    expect(ask("completions", sent, { "user-agent": "mlflow-python-client/3.17.2" }).text).toBe(
      `{"n":1,"prompt":"hi"}`,
    );
  });

  it("double a legacy temperature and take the old names", () => {
    expect(
      ask("chat", `{"candidate_count":2,"temperature":0.3,"messages":[{"role":"user","content":"hi"}]}`).text,
    ).toBe(`{"temperature":0.6,"n":2,"messages":[{"role":"user","content":"hi"}]}`);
    expect(ask("embeddings", `{"text":["a","b"]}`).text).toBe(`{"input":["a","b"]}`);
  });

  it("keep a member named __proto__ apart from everything", () => {
    const { text } = ask("completions", `{"prompt":"hi","x":null,"__proto__":{"n":9}}`);
    expect(text).toBe(`{"prompt":"hi","__proto__":{"n":9}}`);
  });
});

it("says where a body stops being JSON, as Python counts", () => {
  const said = (send: string) => outcome("completions", send, {}).detail[0];
  expect(said(`{"prompt" "x"}`)).toMatchObject({ loc: ["body", 10], ctx: { error: "Expecting ':' delimiter" } });
  expect(said(`{prompt: 1}`)).toMatchObject({
    loc: ["body", 1],
    ctx: { error: "Expecting property name enclosed in double quotes" },
  });
  expect(said(`{"prompt":`)).toMatchObject({ loc: ["body", 10], ctx: { error: "Expecting value" } });
  expect(said(`{"prompt":"x"}}`)).toMatchObject({ loc: ["body", 14], ctx: { error: "Extra data" } });
});

it("refuses a body that nests without end in a sentence", () => {
  const deep = `{"prompt":"x","a":${"[".repeat(5000)}${"]".repeat(5000)}}`;
  expect(outcome("completions", deep, {})).toEqual({
    status: 422,
    detail: "The JSON is nested deeper than 64 levels.",
  });
});

describe("a body over 8 KB", () => {
  const agent = { "user-agent": "mlflow-python-client/2.22.5" };
  const talk = Array.from({ length: 20 }, (_, i) => ({ role: "user", content: `${i} "\u6771" ${"x".repeat(500)}` }));
  const long = { messages: talk, user: "u".repeat(2000), stop: ["a"], top_p: 1, x: null, temperature: "0.5" };

  it("goes the way of a short one, its long members as they came", () => {
    const { text } = ask("chat", JSON.stringify(long), agent);
    const { messages, ...rest } = long;
    const short = ask("chat", JSON.stringify({ ...rest, messages: talk.slice(0, 1) }), agent).text;
    expect(text).toBe(short.replace(JSON.stringify(talk.slice(0, 1)), JSON.stringify(messages)));
    expect(Object.keys(JSON.parse(text))).toEqual(["temperature", "n", "stop", "messages", "user", "top_p"]);
  });

  it("is held to its rules, and refused with all of it in MLflow's words", () => {
    for (const wrong of [{ temperature: 9 }, { messages: "x".repeat(9000) }, { model: "m" }, { stop: talk }]) {
      expect(outcome("chat", JSON.stringify({ ...long, ...wrong }), agent)).toHaveProperty("detail");
    }
    const { messages: _, ...rest } = { ...long, pad: "p".repeat(9000) };
    expect(outcome("chat", JSON.stringify(rest), agent)).toMatchObject({
      status: 422,
      detail: [{ type: "missing", loc: ["body", "messages"], input: rest }],
    });
  });

  it("is read as its last member where a key is repeated or escaped", () => {
    const text = JSON.stringify({ messages: talk }).replace("{", '{"stream":true,"str\\u0065am":false,');
    expect(ask("chat", text)).toEqual({ stream: false, text: JSON.stringify({ stream: false, messages: talk }) });
  });

  it("is refused where it ends too early", () => {
    const text = JSON.stringify(long);
    expect(outcome("chat", text.slice(0, -1), agent)).toMatchObject({ detail: [{ type: "json_invalid" }] });
    expect(outcome("chat", text.slice(0, 9000), agent)).toMatchObject({ detail: [{ type: "json_invalid" }] });
  });
});

describe("a chat of plain messages", () => {
  const speeches = [
    "mlflow-python-client/2.22.5",
    "mlflow-python-client/2.8.1",
    "mlflow-python-client/3.1.0",
    undefined,
  ];
  const talk = '[{"role":"system","content":"caf\u00e9"},{"role": "user", "content": "hi"}]';
  const bodies = [
    `{"messages":${talk}}`,
    `{"messages":${talk},"temperature":0.70,"max_tokens":256,"x":"\u00e9","n":2}`,
    `{"max_tokens":"5","stop":"a","messages":${talk},"user":null}`,
    `{"temperature":9,"messages":${talk},"max_tokens":0,"model":"m"}`,
  ];
  const by = [undefined, { provider: "openai", model: "m" }, { provider: "mosaicml", model: "m" }];
  const cases = speeches.flatMap((agent) => bodies.flatMap((text) => by.map((one) => [agent, text, one] as const)));

  it.each(cases)("of %s comes to the same bytes, parsed or not: %s to %o", (agent, text, answering) => {
    const told = (parsed: boolean) => {
      const body = Body.ofBytes(Buffer.from(text));
      if (parsed) void body.json;
      else expect(body.brief).toBeDefined();
      try {
        const asked = toCommon("chat", body, speechOf(agent, "chat", body.keys()), answering);
        return [asked.body.bytes.toString(), asked.body.json, asked.stream];
      } catch (thrown) {
        return [(thrown as MlflowRefusal).detail];
      }
    };
    expect(told(false)).toEqual(told(true));
  });
});
