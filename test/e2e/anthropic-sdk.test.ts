/** Anthropic's SDK for Node, unchanged, in front of each kind of provider. */
import Anthropic, {
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
} from "@anthropic-ai/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/core/json.ts";
import { file, tidy } from "../support/anthropic.ts";
import { canned, fixture, json } from "../support/canned.ts";
import { cannedAnthropic } from "../support/fake-anthropic.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { client, clientSuite, run } from "./tools.ts";

const KEY = "anthropic-sdk-key-0123456789";
let claude: FakeUpstream;
let gpt: FakeUpstream;
let gateway: Gateway;
let sdk: Anthropic;

beforeAll(async () => {
  claude = await fakeUpstream(cannedAnthropic);
  gpt = await fakeUpstream(canned);
  gateway = await startGateway(`
auth: { keys: [{ name: ann, key: ${KEY} }] }
routes:
  - name: claude
    route_type: llm/v1/chat
    model: { provider: anthropic, name: claude-sonnet-4-5-20250929, config: { anthropic_api_key: sk-ant-test-0123456789, base_url: "${claude.url}" } }
  - name: gpt
    route_type: llm/v1/chat
    model: { provider: openai, name: gpt-5, config: { openai_api_key: sk-openai-test, base_url: "${gpt.url}/v1" } }
  - name: simulated
    route_type: llm/v1/chat
    model: { provider: simulator, name: simulator }
`);
  sdk = new Anthropic({ baseURL: gateway.url, apiKey: KEY, maxRetries: 0 });
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await claude?.close();
  await gpt?.close();
});

const hello = { max_tokens: 256, messages: [{ role: "user" as const, content: "Hello" }] };
const weather = {
  name: "get_weather",
  description: "Tells the weather.",
  input_schema: { type: "object" as const, properties: { location: { type: "string" } } },
};
const reply = (name: string) => JSON.parse(file(`${name}.json`).toString()) as JsonObject;
const plain = (message: unknown) => tidy(JSON.parse(JSON.stringify(message)) as JsonObject) as JsonObject;
const sentTo = (upstream: FakeUpstream) => upstream.exchanges.at(-1)!.json as JsonObject;

describe("in front of Anthropic", () => {
  it.each([
    ["a text", "chat", {}],
    ["calls", "chat-tools", { tools: [weather] }],
    ["thoughts", "chat-thinking", { thinking: { type: "enabled" as const, budget_tokens: 1024 }, max_tokens: 4096 }],
    ["a web search with its sources", "chat-search", { metadata: { user_id: "chat-search" } }],
    ["a refusal", "chat-refusal", { metadata: { user_id: "chat-refusal" } }],
  ])("gives %s as the API does, whole and as a stream", async (_, name, more) => {
    const whole = await sdk.messages.create({ model: "claude", ...hello, ...more });
    expect(plain(whole)).toMatchObject(tidy(reply(name)) as JsonObject);
    const stream = await sdk.messages.stream({ model: "claude", ...hello, ...more }).finalMessage();
    expect(plain(stream)).toMatchObject(tidy(reply(name)) as JsonObject);
  });

  it("sends what it was asked, with the model of the route, and the caller's betas", async () => {
    const asked = {
      ...hello,
      system: "Be brief.",
      temperature: 0.5,
      top_k: 5,
      stop_sequences: ["END"],
    } as typeof hello;
    const options = { headers: { "anthropic-beta": "context-1m-2025-08-07" } };
    const { response } = await sdk.messages.create({ model: "claude", ...asked }, options).withResponse();
    const { headers, url } = claude.exchanges.at(-1)!;
    expect(url).toBe("/v1/messages");
    expect(headers).toMatchObject({
      "x-api-key": "sk-ant-test-0123456789",
      "anthropic-version": "2023-06-01",
      "anthropic-beta": "context-1m-2025-08-07",
    });
    expect(sentTo(claude)).toEqual({ model: "claude-sonnet-4-5-20250929", ...asked });
    expect(response.headers.get("request-id")).toBe(response.headers.get("x-request-id"));
    expect(response.headers.has("x-polygate-converted")).toBe(false);
  });

  it("takes its own answer back, thoughts with their signatures included", async () => {
    const thinking = { type: "enabled" as const, budget_tokens: 1024 };
    const { content } = await sdk.messages.create({ model: "claude", ...hello, max_tokens: 4096, thinking });
    const messages = [
      ...hello.messages,
      { role: "assistant" as const, content },
      { role: "user" as const, content: "Go on." },
    ];
    await sdk.messages.create({ model: "claude", max_tokens: 4096, thinking, messages });
    const sent = sentTo(claude)["messages"] as JsonObject[];
    expect(sent[1]!["content"]).toEqual(reply("chat-thinking")["content"]);
  });

  it("counts tokens", async () => {
    const { input_tokens } = await sdk.messages.countTokens({ model: "claude", messages: hello.messages, system: "x" });
    expect(input_tokens).toBe(14);
    expect(claude.exchanges.at(-1)!.url).toBe("/v1/messages/count_tokens");
    expect(sentTo(claude)).toEqual({ model: "claude-sonnet-4-5-20250929", system: "x", messages: hello.messages });
  });

  it.each([
    ["400", BadRequestError, "invalid_request_error", /max_tokens: 300000 > 64000/],
    ["401", InternalServerError, "api_error", /refused the gateway's credential/],
    ["404", NotFoundError, "not_found_error", /claude-sonnet-9/],
    ["429", RateLimitError, "rate_limit_error", /over its rate limit/],
    ["529", RateLimitError, "rate_limit_error", /Overloaded/],
    ["500", InternalServerError, "api_error", /Internal server error/],
  ] as const)("tells its error %s in the form that the SDK knows", async (status, kind, type, message) => {
    const asked = sdk.messages.create({ model: "claude", ...hello, metadata: { user_id: status } });
    await expect(asked).rejects.toBeInstanceOf(kind);
    await expect(asked).rejects.toMatchObject({
      type,
      requestID: expect.any(String),
      message: expect.stringMatching(message),
    });
  });

  it("ends a stream that breaks with an error, not as if it were whole", async () => {
    const stream = sdk.messages.stream({ model: "claude", ...hello, metadata: { user_id: "broken" } });
    await expect(stream.finalMessage()).rejects.toMatchObject({
      type: "rate_limit_error",
      message: expect.stringContaining("Overloaded"),
    });
  });
});

describe("in front of OpenAI", () => {
  it("gives a text, whole and as a stream", async () => {
    const whole = await sdk.messages.create({ model: "gpt", ...hello });
    const { choices, usage } = JSON.parse(fixture("chat.json").toString()) as Completion;
    expect(whole.content).toEqual([{ type: "text", text: choices[0]!.message.content }]);
    expect(whole).toMatchObject({ type: "message", role: "assistant", stop_reason: "end_turn", stop_sequence: null });
    const { input_tokens, cache_read_input_tokens, output_tokens } = whole.usage;
    expect(input_tokens + (cache_read_input_tokens ?? 0)).toBe(usage.prompt_tokens);
    expect(output_tokens).toBe(usage.completion_tokens);
    const {
      content,
      stop_reason,
      usage: streamed,
    } = await sdk.messages.stream({ model: "gpt", ...hello }).finalMessage();
    expect({ content, stop_reason }).toEqual({ content: whole.content, stop_reason: "end_turn" });
    expect(streamed).toMatchObject(whole.usage);
  });

  it("runs a loop of tools: calls, results with a picture, and on", async () => {
    gpt.next(json(fixture("chat-tools.json")));
    const asked = { model: "gpt", max_tokens: 256, tools: [weather], tool_choice: { type: "any" as const } };
    const { content, stop_reason } = await sdk.messages.create({ ...asked, messages: hello.messages });
    expect(stop_reason).toBe("tool_use");
    const calls = content.filter((block) => block.type === "tool_use");
    expect(calls.length).toBeGreaterThan(0);
    const picture = {
      type: "image" as const,
      source: { type: "base64" as const, media_type: "image/png" as const, data: "iVBORw0KGgo=" },
    };
    const results = calls.map(({ id }) => ({
      type: "tool_result" as const,
      tool_use_id: id,
      content: [{ type: "text" as const, text: "Sunny." }, picture],
    }));
    const messages = [
      ...hello.messages,
      { role: "assistant" as const, content },
      { role: "user" as const, content: results },
    ];
    const { response } = await sdk.messages.create({ ...asked, messages }).withResponse();
    expect(response.headers.get("x-polygate-converted")).toContain("messages[2].content");
    const sent = sentTo(gpt)["messages"] as JsonObject[];
    expect(sent.map(({ role }) => role)).toEqual(["user", "assistant", ...calls.map(() => "tool"), "user"]);
    expect(sent[2]).toEqual({ role: "tool", tool_call_id: calls[0]!.id, content: "Sunny." });
    expect(sent.at(-1)!["content"]).toEqual(
      calls.map(() => ({ type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=" } })),
    );
    expect(sentTo(gpt)).toMatchObject({
      tool_choice: "required",
      tools: [{ type: "function", function: { name: "get_weather" } }],
    });
  });

  it("gives calls as a stream", async () => {
    const whole = JSON.parse(fixture("chat-tools.json").toString()) as Completion;
    gpt.next({ headers: { "content-type": "text/event-stream" }, body: [fixture("chat-tools.sse")] });
    const { content, stop_reason } = await sdk.messages
      .stream({ model: "gpt", ...hello, tools: [weather] })
      .finalMessage();
    expect(stop_reason).toBe("tool_use");
    const calls = content
      .filter((block) => block.type === "tool_use")
      .map(({ id, name, input }) => ({ id, name, input }));
    const want = whole.choices[0]!.message.tool_calls!.map(({ id, function: f }) => ({
      id,
      name: f.name,
      input: JSON.parse(f.arguments) as unknown,
    }));
    // The recorded stream has the first of them.
    expect(calls).toEqual(want.slice(0, 1));
  });

  it("leaves out what OpenAI cannot take, and says so", async () => {
    const messages = [
      {
        role: "user" as const,
        content: [{ type: "text" as const, text: "Search.", cache_control: { type: "ephemeral" as const } }],
      },
      {
        role: "assistant" as const,
        content: [
          { type: "thinking" as const, thinking: "Hm.", signature: "EqQB" },
          { type: "server_tool_use" as const, id: "srvtoolu_1", name: "web_search" as const, input: {} },
          { type: "text" as const, text: "Found." },
        ],
      },
      { role: "user" as const, content: "And?" },
    ];
    const tools = [{ type: "web_search_20250305" as const, name: "web_search" as const }, weather];
    const thinking = { type: "enabled" as const, budget_tokens: 2000 };
    const { response } = await sdk.messages
      .create({ model: "gpt", max_tokens: 4096, messages, tools, thinking })
      .withResponse();
    const told = (how: string) => (response.headers.get(`x-polygate-${how}`) ?? "").split(", ").map(decodeURI).sort();
    expect(told("dropped")).toEqual(
      [
        "messages[0].content[0].cache_control",
        "messages[1].content[0]",
        "messages[1].reasoning_details",
        "tools[0]",
      ].sort(),
    );
    expect(told("converted")).toEqual(["thinking"]);
    expect(sentTo(gpt)).toMatchObject({
      reasoning_effort: "low",
      messages: [
        { role: "user", content: [{ type: "text", text: "Search." }] },
        { role: "assistant", content: "Found." },
        { role: "user", content: "And?" },
      ],
      tools: [{ type: "function", function: { name: "get_weather" } }],
    });
    expect(JSON.stringify(sentTo(gpt))).not.toContain("EqQB");
  });

  it("tells an error of OpenAI's in Anthropic's form", async () => {
    gpt.next(json(fixture("error-429.json"), 429, { "retry-after": "3" }));
    const asked = sdk.messages.create({ model: "gpt", ...hello });
    await expect(asked).rejects.toBeInstanceOf(RateLimitError);
    await expect(asked).rejects.toMatchObject({ type: "rate_limit_error", headers: expect.objectContaining({}) });
  });

  it("does not make up a count of tokens", async () => {
    const asked = sdk.messages.countTokens({ model: "gpt", messages: hello.messages });
    await expect(asked).rejects.toMatchObject({
      status: 501,
      type: "invalid_request_error",
      message: expect.stringContaining("cannot count tokens"),
    });
  });
});

describe("in front of the simulator", () => {
  it("says the same whole and as a stream", async () => {
    const whole = await sdk.messages.create({ model: "simulated", ...hello });
    const stream = await sdk.messages.stream({ model: "simulated", ...hello }).finalMessage();
    expect(whole.content[0]).toMatchObject({ type: "text", text: expect.stringMatching(/\w/) });
    expect(stream.content).toEqual(whole.content);
    expect(stream.usage).toMatchObject(whole.usage);
  });

  it("calls tools", async () => {
    const asked = {
      model: "simulated",
      ...hello,
      tools: [weather],
      tool_choice: { type: "tool" as const, name: "get_weather" },
    };
    const whole = await sdk.messages.create(asked);
    expect(whole.stop_reason).toBe("tool_use");
    expect((await sdk.messages.stream(asked).finalMessage()).content).toEqual(whole.content);
  });
});

describe("who may not, and what is not", () => {
  it("knows a caller by x-api-key and by a bearer's token, and no other", async () => {
    const bearer = new Anthropic({ baseURL: gateway.url, authToken: KEY, apiKey: null, maxRetries: 0 });
    expect((await bearer.messages.create({ model: "simulated", ...hello })).type).toBe("message");
    const stranger = new Anthropic({ baseURL: gateway.url, apiKey: "somebody-else-0123456789", maxRetries: 0 });
    await expect(stranger.messages.create({ model: "simulated", ...hello })).rejects.toBeInstanceOf(
      AuthenticationError,
    );
  });

  it("tells of an unknown route, a wrong request and an unknown path in Anthropic's form", async () => {
    await expect(sdk.messages.create({ model: "nobody", ...hello })).rejects.toMatchObject({
      status: 404,
      type: "not_found_error",
    });
    await expect(sdk.messages.create({ model: "gpt", max_tokens: 9, messages: [] })).rejects.toMatchObject({
      status: 400,
      type: "invalid_request_error",
    });
    await expect(sdk.post("/v1/messages/batches", { body: {} })).rejects.toMatchObject({
      status: 404,
      type: "not_found_error",
    });
    await expect(sdk.beta.files.list()).rejects.toMatchObject({ status: 404, type: "not_found_error" });
  });

  it("lists its routes as Anthropic lists models", async () => {
    const ids: string[] = [];
    for await (const { id, type } of sdk.models.list()) ids.push(`${type} ${id}`);
    expect(ids).toEqual(["model claude", "model gpt", "model simulated"]);
    expect(await sdk.models.retrieve("claude")).toMatchObject({ id: "claude", type: "model", display_name: "claude" });
  });
});

clientSuite("Python with openai and grpcio", "Anthropic's SDK for Python", (python) => {
  it.each(["claude", "simulated"])("gets the same answers from %s", async (route) => {
    const got = JSON.parse(await run(python, [client("anthropic_sdk.py"), gateway.url, KEY, route])) as Python;
    const asked: readonly (readonly ["text" | "tools", { tools?: Anthropic.Tool[] }])[] = [
      ["text", {}],
      ["tools", { tools: [weather] }],
    ];
    for (const [name, more] of asked) {
      const want = await sdk.messages.create({ model: route, ...hello, ...more });
      const { input_tokens, output_tokens } = want.usage;
      const told = {
        content: plain(want)["content"],
        stop_reason: want.stop_reason,
        usage: { input_tokens, output_tokens },
      };
      const { pieces, ...streamed } = got[name].stream;
      expect(got[name].unary).toEqual(told);
      expect(streamed).toEqual(told);
      expect(pieces).toBeGreaterThan(1);
    }
    expect(got.models).toEqual(["claude", "gpt", "simulated"]);
    expect(got.unknown).toBe("not_found_error");
  });
});

interface Python {
  readonly text: Both;
  readonly tools: Both;
  readonly models: readonly string[];
  readonly unknown: string;
}

interface Both {
  readonly unary: JsonObject;
  readonly stream: JsonObject & { readonly pieces: number };
}

interface Completion {
  readonly choices: readonly {
    readonly message: {
      readonly content: string;
      readonly tool_calls?: readonly {
        readonly id: string;
        readonly function: { readonly name: string; readonly arguments: string };
      }[];
    };
  }[];
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
}
