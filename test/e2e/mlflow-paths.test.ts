/** MLflow's REST paths through the whole gateway, in front of a scripted provider that speaks OpenAI's API. */
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CHAT_TEXT, events, fixture, json, sse } from "../support/canned.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";

let upstream: FakeUpstream;
let gateway: Gateway;

const TYPES = ["completions", "chat", "embeddings"];
const MODELS: Record<string, string> = {
  completions: "gpt-3.5-turbo",
  chat: "gpt-3.5-turbo",
  embeddings: "text-embedding-ada-002",
};

beforeAll(async () => {
  upstream = await fakeUpstream();
  const routes = TYPES.map(
    (type) => `
  - name: ${type}
    route_type: llm/v1/${type}
    model:
      provider: openai
      name: ${MODELS[type]}
      config: { openai_api_key: sk-of-the-gateway, openai_api_base: "${upstream.url}/v1" }`,
  );
  gateway = await startGateway(`routes:${routes.join("")}\n`);
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
});

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

/** One request as it is said: `fetch` would follow, decode and add to it. */
function ask(method: string, path: string, send?: string, headers: Record<string, string> = {}): Promise<Answer> {
  const all = { ...(send !== undefined && { "content-type": "application/json" }), ...headers };
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: "127.0.0.1", port: gateway.port, method, path, headers: all, agent: false },
      (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (text: string) => {
          body += text;
        });
        response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, body }));
        response.on("error", reject);
      },
    );
    sent.on("error", reject);
    sent.end(send);
  });
}

const call = (route: string, body: unknown, headers?: Record<string, string>) =>
  ask("POST", `/gateway/${route}/invocations`, JSON.stringify(body), headers);
const legacy = { "user-agent": "mlflow-python-client/2.8.1" };
const HELLO = { messages: [{ role: "user", content: "hi" }] };

interface Golden {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly send?: string;
  readonly status: number;
  readonly allow?: string;
  readonly location?: string;
  readonly body: string;
}

describe.each(["2.8.1", "2.22.5"])("as MLflow %s, the gateway answers", (version) => {
  const file = new URL(`../golden/fixtures/mlflow-${version}.json`, import.meta.url);
  // The captured gateways had more routes than there are here, fail on bad page tokens, and answer "/nope" themselves.
  const cases = (JSON.parse(readFileSync(file, "utf8")) as Golden[]).filter(
    ({ name, path }) =>
      !/^inv\.(chat|completions|embeddings)/.test(name) &&
      !/\.list($|_token|_null)|^notfound$|inv\.(ct_|cors|auth|dup|nan)/.test(name) &&
      !path.includes("limited"),
  );

  it.each(cases.map((one) => [one.name, one] as const))("%s", async (_, golden) => {
    const headers = { "user-agent": `mlflow-python-client/${version}`, ...golden.headers };
    const got = await ask(golden.method, golden.path, golden.send, headers);
    expect({
      status: got.status,
      allow: got.headers["allow"],
      location: (got.headers["location"] as string | undefined)?.replace(gateway.url, ""),
      body: got.body && JSON.parse(got.body),
    }).toEqual({
      status: golden.status,
      allow: golden.allow,
      location: golden.location,
      body: golden.body && JSON.parse(golden.body),
    });
  });
});

describe("lists", () => {
  const names = async (path: string) => {
    const page = JSON.parse((await ask("GET", path)).body);
    return {
      names: (page.routes ?? page.endpoints).map((one: { name: string }) => one.name),
      next: page.next_page_token,
    };
  };

  it("all routes, or those from a page token on", async () => {
    for (const path of ["/api/2.0/gateway/routes/", "/api/2.0/endpoints/"]) {
      expect(await names(path)).toEqual({ names: TYPES, next: null });
      expect(await names(`${path}?page_token=eyJpbmRleCI6IDJ9`)).toEqual({ names: ["embeddings"], next: null });
      expect(await names(`${path}?page_token=eyJpbmRleCI6IDUwMDB9`)).toEqual({ names: [], next: null });
    }
  });

  it.each(["", "!!notbase64", "eyJpbmRleCI6IC0xfQ=="])("nothing for the page token %j", async (token) => {
    const { status, body } = await ask("GET", `/api/2.0/endpoints/?page_token=${token}`);
    expect({ status, ...JSON.parse(body) }).toMatchObject({ status: 422, detail: /page_token/ });
  });
});

describe("calls", () => {
  const sent = () => upstream.exchanges.at(-1)!;

  it("answer in the modern form, under both paths", async () => {
    for (const path of ["/gateway/chat/invocations", "/endpoints/chat/invocations"]) {
      const { status, body, headers } = await ask("POST", path, JSON.stringify(HELLO));
      expect(status).toBe(200);
      expect(JSON.parse(body)).toMatchObject({
        object: "chat.completion",
        choices: [{ index: 0, message: { role: "assistant", content: CHAT_TEXT, tool_calls: null, refusal: null } }],
      });
      expect(headers["x-polygate-served"]).toMatch(/route=chat; provider=openai; model=gpt-3.5-turbo/);
      expect(sent().json).toEqual({ model: "gpt-3.5-turbo", ...HELLO });
    }
  });

  it("answer in the old form to who speaks it, and ask in the new one", async () => {
    const chat = await call("chat", { ...HELLO, temperature: 0.5, candidate_count: 1 }, legacy);
    expect(JSON.parse(chat.body)).toMatchObject({
      candidates: [{ message: { role: "assistant", content: CHAT_TEXT }, metadata: { finish_reason: "stop" } }],
      metadata: { model: expect.any(String), route_type: "llm/v1/chat" },
    });
    expect(sent().json).toEqual({ model: "gpt-3.5-turbo", temperature: 1, n: 1, ...HELLO });
    const vectors = await call("embeddings", { text: ["a", "b"] });
    expect(JSON.parse(vectors.body)).toMatchObject({ embeddings: [expect.any(Array), expect.any(Array)] });
    expect(sent().json).toEqual({ model: "text-embedding-ada-002", input: ["a", "b"] });
  });

  it("carry unknown members and nested tool schemas byte for byte", async () => {
    const body = fixture("chat-request.json").toString("utf8");
    const { model: _, ...rest } = JSON.parse(body);
    const text = JSON.stringify({ ...rest, stream: false }).replace(
      /}$/,
      `,"long":12345678901234567890,"deep":{ "a":[1e2] }}`,
    );
    expect((await ask("POST", "/gateway/chat/invocations", text)).status).toBe(200);
    expect(sent().body.toString("utf8")).toBe(text.replace("{", `{"model":"gpt-3.5-turbo",`));
  });

  it("write a provider's numbers as it did", async () => {
    const choice = '{"index":0,"message":{"role":"assistant","content":"Hi"},"score":1.10,"finish_reason":"stop"}';
    const usage = '{"prompt_tokens":12345678901234567890,"completion_tokens":2.0,"total_tokens":-0}';
    const reply = () => json(Buffer.from(`{"created":17000000001e0,"choices":[${choice}],"usage":${usage}}`));
    upstream.next(reply());
    expect((await call("chat", HELLO)).body).toBe(
      `{"id":null,"object":"chat.completion","created":17000000001e0,"model":null,"choices":[{"index":0,"message":{"role":"assistant","content":"Hi","tool_calls":null,"refusal":null},"finish_reason":"stop","score":1.10}],"usage":${usage}}`,
    );
    upstream.next(reply());
    expect((await call("chat", HELLO, legacy)).body).toContain(
      '"input_tokens":12345678901234567890,"output_tokens":2.0,"total_tokens":-0,',
    );
  });

  it("stream events in MLflow's form and end with [DONE]", async () => {
    const { headers, body } = await call("chat", { ...HELLO, stream: true });
    expect(headers["content-type"]).toBe("text/event-stream; charset=utf-8");
    const parts = events(body).map((part) => part.toString("utf8").slice("data: ".length).trim());
    expect(parts.pop()).toBe("[DONE]");
    const pieces = parts.map((part) => JSON.parse(part));
    for (const piece of pieces)
      expect(Object.keys(piece).slice(0, 5)).toEqual(["id", "object", "created", "model", "choices"]);
    expect(pieces.map((piece) => piece.choices[0]?.delta.content ?? "").join("")).toBe(CHAT_TEXT);
  });

  it("end a stream that broke with one error and no [DONE]", async () => {
    upstream.next({ ...sse(fixture("chat.sse")), cutAt: 600 });
    const { status, body } = await call("chat", { ...HELLO, stream: true });
    expect(status).toBe(200);
    const last = events(body).at(-1)!.toString("utf8");
    expect(JSON.parse(last.slice("data: ".length))).toEqual({
      error: expect.objectContaining({ type: "server_error" }),
    });
    expect(body).not.toContain("[DONE]");
  });
});

describe("a provider's failure", () => {
  const error = (message: string) => ({ error: { message, type: "x", param: null, code: null } });

  it.each([false, true])("keeps its status, with stream: %s", async (stream) => {
    for (const [status, told] of [
      [400, 400],
      [404, 404],
      [422, 422],
      [429, 429],
      [500, 500],
      [503, 503],
      [401, 502],
      [403, 502],
    ] as const) {
      upstream.next(json(error("The provider's words."), status, { "retry-after": "7" }));
      const got = await call("chat", { ...HELLO, stream });
      expect([status, got.status]).toEqual([status, told]);
      expect(JSON.parse(got.body)).toEqual({ detail: expect.any(String) });
      if (status === 429) expect(got.headers["retry-after"]).toBe("7");
      if (status === 401) expect(got.headers["www-authenticate"]).toBeUndefined();
    }
  });

  it("is told in its own words when it is about the request", async () => {
    upstream.next(json(error("This model takes no images."), 400));
    expect(JSON.parse((await call("chat", HELLO)).body)).toEqual({ detail: "This model takes no images." });
  });
});

it("takes a 200 without an answer for a failure", async () => {
  upstream.next(json({}));
  expect((await call("chat", HELLO)).status).toBe(502);
});

it("refuses a deadline that is none in MLflow's words", async () => {
  const got = await call("chat", HELLO, { "x-request-timeout-ms": "soon" });
  expect({ status: got.status, ...JSON.parse(got.body) }).toMatchObject({
    status: 422,
    detail: /x-request-timeout-ms/,
  });
});
