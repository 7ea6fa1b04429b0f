/** Google's SDK for JavaScript, unchanged, in front of three kinds of providers. */
import { readFileSync } from "node:fs";
import { ApiError, type Content, FunctionCallingConfigMode, GoogleGenAI, Type } from "@google/genai";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { words } from "../../src/core/words.ts";
import { fixture, json, sse } from "../support/canned.ts";
import { type FakeUpstream, fakeUpstream, type Script } from "../support/fake-upstream.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";

const KEY = "caller-0123456789-abcdef";
let openai: FakeUpstream;
let google: FakeUpstream;
let gateway: Gateway;
let sdk: GoogleGenAI;

const recorded = (name: string) =>
  readFileSync(new URL(`../../src/providers/gemini/fixtures/${name}`, import.meta.url));
const answer = (name: string): Script => json(recorded(`${name}.json`));
const stream = (name: string): Script => sse(recorded(`${name}.sse`).toString().replaceAll("\r\n", "\n"));

beforeAll(async () => {
  openai = await fakeUpstream();
  google = await fakeUpstream();
  const gemini = `{provider: gemini, name: gemini-3-flash, config: {gemini_api_key: AIza-test, base_url: ${google.url}/v1beta}}`;
  gateway = await startGateway(`
auth: {keys: [{name: ann, key: ${KEY}}]}
routes:
  - {name: gemini, route_type: llm/v1/chat, model: ${gemini}}
  - name: openai
    route_type: llm/v1/chat
    model: {provider: openai, name: gpt-4o-mini, config: {openai_api_key: sk-test, base_url: ${openai.url}/v1}}
  - {name: simulated, route_type: llm/v1/chat, model: {provider: simulator, name: any}}
  - {name: vectors, route_type: llm/v1/embeddings, model: {provider: simulator, name: any}}
  - {name: google-vectors, route_type: llm/v1/embeddings, model: ${gemini}}
  - name: either
    route_type: llm/v1/chat
    targets:
      - model: ${gemini}
      - model: {provider: openai, name: gpt-4o-mini, config: {openai_api_key: sk-test, base_url: ${openai.url}/v1}}
`);
  sdk = new GoogleGenAI({ apiKey: KEY, httpOptions: { baseUrl: gateway.url } });
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await openai?.close();
  await google?.close();
});

const WEATHER = {
  functionDeclarations: [
    {
      name: "get_weather",
      description: "Weather",
      parameters: {
        type: Type.OBJECT,
        properties: { city: { type: Type.STRING }, days: { type: Type.INTEGER, nullable: true } },
        required: ["city"],
      },
    },
  ],
};

/** A stream's replies, and what the SDK's own joins make of them. */
async function streamed(model: string, contents: string | Content[], config = {}) {
  const parts: NonNullable<Content["parts"]> = [];
  let text = "";
  let last: unknown;
  for await (const piece of await sdk.models.generateContentStream({ model, contents, config })) {
    text += piece.text ?? "";
    parts.push(...(piece.candidates?.[0]?.content?.parts ?? []));
    last = piece;
  }
  return {
    text,
    parts,
    last: last as { candidates: { finishReason: string }[]; usageMetadata: Record<string, number> },
  };
}

describe("generateContent", () => {
  it("is answered by the simulator, whole and as the same stream", async () => {
    const ask = { model: "simulated", contents: "Tell me about teapots.", config: { temperature: 0, seed: 1 } };
    const whole = await sdk.models.generateContent(ask);
    expect(whole.text).toMatch(/\w/);
    expect(whole.candidates![0]!.finishReason).toBe("STOP");
    const { text, last } = await streamed("simulated", ask.contents, ask.config);
    expect(text).toBe(whole.text);
    expect(last.candidates[0]!.finishReason).toBe("STOP");
    expect(last.usageMetadata).toEqual(whole.usageMetadata);
    expect(last.usageMetadata["totalTokenCount"]).toBeGreaterThan(0);
  });

  it("reaches OpenAI in OpenAI's words, and comes back in Google's", async () => {
    const reply = await sdk.models.generateContent({
      model: "openai",
      contents: [{ role: "user", parts: [{ text: "hi" }, { inlineData: { mimeType: "image/png", data: "iVBO" } }] }],
      config: {
        systemInstruction: "Be brief.",
        temperature: 0.5,
        maxOutputTokens: 64,
        stopSequences: ["END"],
        responseMimeType: "application/json",
        responseSchema: { type: Type.OBJECT, properties: { a: { type: Type.STRING } } },
        tools: [WEATHER],
        toolConfig: { functionCallingConfig: { mode: FunctionCallingConfigMode.ANY } },
      },
    });
    expect(reply.text).toContain("東京");
    expect(reply.usageMetadata).toMatchObject({
      promptTokenCount: 31,
      candidatesTokenCount: 8,
      thoughtsTokenCount: 4,
      totalTokenCount: 43,
    });
    expect(openai.exchanges.at(-1)!.json).toEqual({
      model: "gpt-4o-mini",
      messages: [
        { role: "system", content: "Be brief." },
        {
          role: "user",
          content: [
            { type: "text", text: "hi" },
            { type: "image_url", image_url: { url: "data:image/png;base64,iVBO" } },
          ],
        },
      ],
      tools: [
        {
          type: "function",
          function: {
            name: "get_weather",
            description: "Weather",
            parameters: {
              type: "object",
              properties: { city: { type: "string" }, days: { type: ["integer", "null"] } },
              required: ["city"],
            },
          },
        },
      ],
      tool_choice: "required",
      temperature: 0.5,
      max_completion_tokens: 64,
      stop: ["END"],
      response_format: {
        type: "json_schema",
        json_schema: { name: "response", schema: { type: "object", properties: { a: { type: "string" } } } },
      },
    });
  });

  it("streams OpenAI's words as OpenAI's whole answer", async () => {
    const whole = await sdk.models.generateContent({ model: "openai", contents: "hi" });
    const { text, last } = await streamed("openai", "hi");
    expect(text).toBe(whole.text);
    expect(last.candidates[0]!.finishReason).toBe("STOP");
  });

  it("gives OpenAI's streamed calls as whole calls, and takes their results back", async () => {
    openai.next(sse(fixture("chat-tools.sse")));
    const { parts } = await streamed("openai", "Weather?", { tools: [WEATHER] });
    const calls = parts.flatMap(({ functionCall }) => functionCall ?? []);
    expect(calls.map(({ name }) => name)).toEqual(["book_table"]);
    expect(calls[0]!.id).toBe("call_9hY2");
    expect(calls[0]!.args).not.toEqual({});
    const responses = calls.map(({ id, name }) => ({
      functionResponse: { id: id!, name: name!, response: { output: "21 C" } },
    }));
    await sdk.models.generateContent({
      model: "openai",
      contents: [
        { role: "user", parts: [{ text: "Weather?" }] },
        { role: "model", parts },
        { role: "user", parts: responses },
      ],
    });
    const { messages } = openai.exchanges.at(-1)!.json as { messages: Record<string, unknown>[] };
    expect(messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool"]);
    expect(messages[2]).toEqual({ role: "tool", tool_call_id: "call_9hY2", content: "21 C" });
  });
});

describe("a chat of the SDK", () => {
  it("remembers what was streamed, calls and their results included", async () => {
    const chat = sdk.chats.create({ model: "openai", config: { tools: [WEATHER] } });
    const send = async (message: Parameters<typeof chat.sendMessageStream>[0]["message"]) => {
      for await (const piece of await chat.sendMessageStream({ message })) expect(piece.candidates).toHaveLength(1);
    };
    await send("hi");
    openai.next(sse(fixture("chat-tools.sse")));
    await send("Weather?");
    await send({ functionResponse: { id: "call_9hY2", name: "book_table", response: { output: "done" } } });
    await send("thanks");
    const { messages } = openai.exchanges.at(-1)!.json as { messages: Record<string, unknown>[] };
    expect(messages.map(({ role }) => role)).toEqual(words("user assistant user assistant tool assistant user"));
    expect(messages[1]!["content"]).toBe(messages[5]!["content"]);
    expect(messages[1]!["content"]).toContain("東京");
    expect(messages[3]).toMatchObject({ tool_calls: [{ id: "call_9hY2" }] });
  });

  it("gives a Gemini model its streamed thoughts again", async () => {
    const chat = sdk.chats.create({ model: "gemini" });
    google.next(stream("chat-reasoning"), stream("chat-text"));
    for (const message of ["9.11 or 9.9?", "Sure?"]) {
      for await (const piece of await chat.sendMessageStream({ message })) expect(piece.candidates).toHaveLength(1);
    }
    const { contents } = google.exchanges.at(-1)!.json as { contents: Content[] };
    const { candidates } = JSON.parse(recorded("chat-reasoning.json").toString()) as {
      candidates: { content: Content }[];
    };
    expect(contents[1]).toEqual(candidates[0]!.content);
  });
});

describe("thoughts of a Gemini model", () => {
  const ask = { model: "gemini", contents: "Weather in Paris and Tokyo?", config: { tools: [WEATHER] } };
  const signature = (
    JSON.parse(recorded("chat-tools.json").toString()) as {
      candidates: { content: { parts: { thoughtSignature: string }[] } }[];
    }
  ).candidates[0]!.content.parts[0]!.thoughtSignature;
  const results = (parts: NonNullable<Content["parts"]>): Content => ({
    role: "user",
    parts: parts.flatMap(({ functionCall }) =>
      functionCall ? [{ functionResponse: { ...functionCall, args: undefined, response: { output: "21 C" } } }] : [],
    ) as NonNullable<Content["parts"]>,
  });
  const modelPart = (n: number) =>
    (google.exchanges.at(-1)!.json as { contents: Content[] }).contents[1]!.parts![n] as Record<string, unknown>;

  it.each(["whole", "streamed"])("come back to it as they were, through Google's SDK, %s", async (how) => {
    google.next(how === "whole" ? answer("chat-tools") : stream("chat-tools"), answer("chat-text"));
    const parts =
      how === "whole"
        ? (await sdk.models.generateContent(ask)).candidates![0]!.content!.parts!
        : (await streamed("gemini", ask.contents, ask.config)).parts;
    const contents = [{ role: "user", parts: [{ text: ask.contents }] }, { role: "model", parts }, results(parts)];
    await sdk.models.generateContent({ ...ask, contents });
    expect(modelPart(0)).toEqual({
      functionCall: { name: "get_weather", args: { city: "Paris", days: 2 } },
      thoughtSignature: signature,
    });
    expect(modelPart(1)).toEqual({ functionCall: { id: "fc_8812", name: "get_weather", args: { city: "東京" } } });
  });

  it.each(["whole", "streamed"])("come back to it as they were, through OpenAI's SDK, %s", async (how) => {
    const openaiSdk = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: KEY, maxRetries: 0 });
    google.next(how === "whole" ? answer("chat-tools") : stream("chat-tools"), answer("chat-text"));
    const messages = [{ role: "user" as const, content: ask.contents }];
    const first = await (how === "whole"
      ? openaiSdk.chat.completions.create({ model: "gemini", messages })
      : openaiSdk.chat.completions.stream({ model: "gemini", messages }).finalChatCompletion());
    const said = first.choices[0]!.message;
    const done = said.tool_calls!.map(({ id }) => ({ role: "tool" as const, tool_call_id: id, content: "21 C" }));
    await openaiSdk.chat.completions.create({ model: "gemini", messages: [...messages, said, ...done] });
    expect(modelPart(0)["thoughtSignature"]).toBe(signature);
  });

  it("go to nobody else", async () => {
    google.next(answer("chat-tools"));
    const { parts } = (await sdk.models.generateContent(ask)).candidates![0]!.content!;
    google.next(json(recorded("error-503.json"), 503));
    await sdk.models.generateContent({
      model: "either",
      contents: [{ role: "user", parts: [{ text: ask.contents }] }, { role: "model", parts: parts! }, results(parts!)],
    });
    const sent = openai.exchanges.at(-1)!.body.toString();
    expect(sent).toContain("get_weather");
    expect(sent).not.toContain(signature.slice(0, 16));
    expect(sent).not.toMatch(/reasoning_details|extra_content|thoughtSignature/);
  });
});

describe("embeddings", () => {
  it("are made of one text and of several, by the simulator", async () => {
    const one = await sdk.models.embedContent({ model: "vectors", contents: "a cat" });
    const two = await sdk.models.embedContent({ model: "vectors", contents: ["a cat", "a dog"] });
    expect(two.embeddings).toHaveLength(2);
    expect(two.embeddings![0]!.values).toEqual(one.embeddings![0]!.values);
    expect(one.embeddings![0]!.values!.length).toBeGreaterThan(1);
  });

  it("are Google's own, with what only Google knows", async () => {
    google.next(answer("embed-many"));
    const { embeddings } = await sdk.models.embedContent({
      model: "google-vectors",
      contents: ["a cat", "a dog"],
      config: { taskType: "RETRIEVAL_QUERY", outputDimensionality: 3 },
    });
    expect(embeddings!.map(({ values }) => values)).toEqual([
      [0.25, -0.5, 0.125],
      [0.5, 0.25, -1],
    ]);
    expect(google.exchanges.at(-1)!.json).toEqual({
      requests: ["a cat", "a dog"].map((text) => ({
        model: "models/gemini-3-flash",
        content: { parts: [{ text }] },
        outputDimensionality: 3,
        taskType: "RETRIEVAL_QUERY",
      })),
    });
  });
});

describe("what is not answered", () => {
  const refusal = async (asked: Promise<unknown>) => {
    const error = await asked.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(ApiError);
    const { message, status } = error as ApiError;
    return { status, error: (JSON.parse(message) as { error: Record<string, unknown> }).error };
  };

  it("is refused in Google's form: a route that is not there", async () => {
    const told = await refusal(sdk.models.generateContent({ model: "nobody", contents: "hi" }));
    expect(told).toMatchObject({
      status: 404,
      error: { code: 404, status: "NOT_FOUND", message: 'No route is named "nobody".' },
    });
  });

  it("is refused in Google's form: a wrong key, and no details of it", async () => {
    const other = new GoogleGenAI({ apiKey: "wrong-0123456789", httpOptions: { baseUrl: gateway.url } });
    const told = await refusal(other.models.generateContent({ model: "simulated", contents: "hi" }));
    expect(told).toMatchObject({ status: 401, error: { code: 401, status: "UNAUTHENTICATED" } });
  });

  it("is Google's own refusal, with when to come back", async () => {
    google.next(json(recorded("error-429.json"), 429));
    const told = await refusal(sdk.models.generateContent({ model: "gemini", contents: "hi" }));
    expect(told).toMatchObject({ status: 429, error: { status: "RESOURCE_EXHAUSTED" } });
    expect(told.error["details"]).toContainEqual({
      "@type": "type.googleapis.com/google.rpc.RetryInfo",
      retryDelay: "34s",
    });
  });

  it("ends a stream that fails with an error of Google's form", async () => {
    google.next(stream("error"));
    await expect(streamed("gemini", "hi")).rejects.toThrow(/"status":"UNAVAILABLE"/);
  });
});

describe("tokens", () => {
  it("are counted by a Gemini model", async () => {
    google.next(json({ totalTokens: 7, promptTokensDetails: [{ modality: "TEXT", tokenCount: 7 }] }));
    const { totalTokens } = await sdk.models.countTokens({ model: "gemini", contents: "How many?" });
    expect(totalTokens).toBe(7);
    const { url, json: asked } = google.exchanges.at(-1)!;
    expect(url).toBe("/v1beta/models/gemini-3-flash:countTokens");
    expect(asked).toEqual({
      generateContentRequest: {
        model: "models/gemini-3-flash",
        contents: [{ role: "user", parts: [{ text: "How many?" }] }],
      },
    });
  });

  it("are counted for callers of Anthropic's API, too", async () => {
    google.next(json({ totalTokens: 7, promptTokensDetails: [{ modality: "TEXT", tokenCount: 7 }] }));
    const reply = await fetch(`${gateway.url}/v1/messages/count_tokens`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": KEY, "anthropic-version": "2023-06-01" },
      body: JSON.stringify({ model: "gemini", messages: [{ role: "user", content: "How many?" }] }),
    });
    expect(await reply.json()).toEqual({ input_tokens: 7 });
  });

  it("of a model whose provider does not tell are not guessed", async () => {
    await expect(sdk.models.countTokens({ model: "openai", contents: "How many?" })).rejects.toMatchObject({
      status: 501,
    });
  });
});

it.each([undefined, "v1beta"])("lists the routes as models, and finds one, at the version %s", async (apiVersion) => {
  const http = { apiKey: KEY, httpOptions: { baseUrl: gateway.url, ...(apiVersion && { apiVersion }) } };
  const { models } = new GoogleGenAI(http);
  const names: (string | undefined)[] = [];
  for await (const { name } of await models.list()) names.push(name);
  expect(names).toEqual(
    ["gemini", "openai", "simulated", "vectors", "google-vectors", "either"].map((one) => `models/${one}`),
  );
  expect(await models.get({ model: "simulated" })).toMatchObject({ name: "models/simulated", version: "any" });
  await expect(models.get({ model: "nobody" })).rejects.toMatchObject({ status: 404 });
});

describe("over plain HTTP", () => {
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`${gateway.url}/v1beta/${path}`, {
      headers: { "content-type": "application/json", "x-goog-api-key": KEY },
      ...init,
    });
  const body = JSON.stringify({
    contents: [{ parts: [{ text: "hi" }] }],
    system_instruction: { parts: { text: "Yo" } },
  });

  it("the key may stand in the query, and is not logged", async () => {
    const headers = { "content-type": "application/json" };
    const reply = await ask(`models/simulated:generateContent?key=${KEY}`, { method: "POST", headers, body });
    expect(reply.status).toBe(200);
    const twice = await ask(`models/simulated:generateContent?key=${KEY}`, { method: "POST", body });
    expect(twice.status).toBe(400);
    await gateway.logged(/"path":"\/v1beta\/models\/simulated:generateContent"/);
    expect(gateway.log).not.toContain(KEY);
  });

  it("a stream without alt=sse is one JSON list", async () => {
    const reply = await ask("models/simulated:streamGenerateContent", { method: "POST", body });
    expect(reply.headers.get("content-type")).toMatch(/^application\/json/);
    const list = (await reply.json()) as { candidates: { finishReason?: string }[] }[];
    expect(list.length).toBeGreaterThan(1);
    expect(list.at(-1)!.candidates[0]!.finishReason).toBe("STOP");
  });

  it("a list that fails on its way is a list still, with the error as its end", async () => {
    google.next(stream("error"));
    const reply = await ask("models/gemini:streamGenerateContent", { method: "POST", body });
    const list = (await reply.json()) as { error?: { code: number } }[];
    expect(list.at(-1)!.error).toMatchObject({ code: 502, status: "UNAVAILABLE" });
  });

  it("models are the routes", async () => {
    const { models } = (await (await ask("models")).json()) as {
      models: { name: string; supportedGenerationMethods: string[] }[];
    };
    expect(models.map(({ name }) => name)).toContain("models/gemini");
    expect(models.find(({ name }) => name === "models/vectors")!.supportedGenerationMethods).toEqual([
      "embedContent",
      "batchEmbedContents",
    ]);
    expect(await (await ask("models/simulated")).json()).toMatchObject({ name: "models/simulated" });
    expect((await ask("models/nobody")).status).toBe(404);
  });

  it("a method that Google does not have is not found, in Google's form", async () => {
    const reply = await ask("models/simulated:dream", { method: "POST", body });
    expect(reply.status).toBe(404);
    expect(await reply.json()).toMatchObject({ error: { code: 404, status: "NOT_FOUND" } });
  });
});
