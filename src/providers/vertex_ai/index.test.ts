import { createVerify, generateKeyPairSync } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { VertexAiSettingsSchema } from "../../../gen/providers/vertex_ai/v1/settings_pb.js";
import { json } from "../../../test/support/canned.ts";
import { fakeUpstream } from "../../../test/support/fake-upstream.ts";
import { callOf, planOf, targetOf } from "../../../test/support/plan.ts";
import { Body } from "../../core/body.ts";
import { Call, type Operation } from "../../core/call.ts";
import type { JsonObject } from "../../core/json.ts";
import { realClock } from "../../net/clock.ts";
import { egressOf } from "../../net/egress.ts";
import { Dialer } from "../../net/send.ts";
import { provider } from "./index.ts";

type Init = MessageInitShape<typeof VertexAiSettingsSchema>;

const google = await fakeUpstream();
const dialer = new Dialer();
afterAll(async () => {
  await dialer.close();
  await google.close();
});

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ACCOUNT = {
  type: "service_account",
  project_id: "account-project",
  private_key_id: "key-1",
  private_key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
  client_email: "gateway@account-project.iam.gserviceaccount.com",
  token_uri: `${google.url}/token`,
};
const TOKEN: Init = { vertexProject: "my-project", vertexCredentials: "ya29.fixed" };

let now = 0;
beforeEach(() => {
  now = 1_750_000_000_000;
  google.always(json({ access_token: `ya29.${google.hits}`, expires_in: 3599, token_type: "Bearer" }));
});

function open(init: Init, env: Record<string, string> = {}) {
  const dialing = { connectMs: 1000, maxConnections: 10, egress: egressOf([], "file") };
  return provider.open(create(VertexAiSettingsSchema, init), {
    clock: realClock,
    wallNow: () => now,
    random: () => 0,
    dial: (origin) => dialer.to(origin, dialing),
    env: (name) => env[name],
  });
}

function callFor(op: Operation, body: JsonObject, stream = false, upstream = open(TOKEN)): Call {
  const target = targetOf(() => ({ pause() {}, resume() {}, abort() {} }), 0, upstream);
  const plan = planOf([target], { op });
  return new Call(callOf(plan, false).arrival, plan, Body.ofJson(body), stream);
}

async function send(
  model: string,
  init: Init = TOKEN,
  op: Operation = "chat",
  body: JsonObject = CHAT,
  stream = false,
) {
  const upstream = open(init);
  const call = callFor(op, body, stream, upstream);
  const sent = await upstream.encode(call, call.body, model);
  return { url: upstream.origin + sent.path, headers: sent.headers, json: JSON.parse(sent.body.toString()) as unknown };
}

const CHAT = { messages: [{ role: "user", content: "hello" }] };
const SERVER = "https://us-central1-aiplatform.googleapis.com";
const HOST = `${SERVER}/v1beta1/projects/my-project/locations/us-central1`;
const CLAUDE = `${SERVER}/v1/projects/my-project/locations/us-central1`;
const COMMON = ["content-type", "application/json", "accept-encoding", "identity"];

describe("a request to Vertex AI", () => {
  it("is Google's for Gemini", async () => {
    expect(await send("gemini-2.5-flash")).toEqual({
      url: `${HOST}/publishers/google/models/gemini-2.5-flash:generateContent`,
      headers: [...COMMON, "authorization", "Bearer ya29.fixed"],
      json: { contents: [{ role: "user", parts: [{ text: "hello" }] }] },
    });
    const { url } = await send("gemini-2.5-flash", TOKEN, "chat", CHAT, true);
    expect(url).toBe(`${HOST}/publishers/google/models/gemini-2.5-flash:streamGenerateContent?alt=sse`);
  });

  it("is Anthropic's for Claude, with the version in the body and no model", async () => {
    const init = { ...TOKEN, vertexAnthropicBetas: ["context-1m-2025-08-07"] };
    const body = { ...CHAT, max_tokens: 64 };
    expect(await send("claude-sonnet-4-5@20250929", init, "chat", body)).toEqual({
      url: `${CLAUDE}/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict`,
      headers: [...COMMON, "authorization", "Bearer ya29.fixed", "anthropic-beta", "context-1m-2025-08-07"],
      json: { anthropic_version: "vertex-2023-10-16", max_tokens: 64, messages: CHAT.messages },
    });
    const streamed = await send("claude-sonnet-4-5@20250929", TOKEN, "chat", body, true);
    expect(streamed.url).toMatch(/:streamRawPredict$/);
    expect(streamed.json).toMatchObject({ anthropic_version: "vertex-2023-10-16", stream: true });
  });

  it.each([
    ["anthropic/claude-opus-4@20250514", CLAUDE, "/publishers/anthropic/models/claude-opus-4@20250514:rawPredict"],
    ["publishers/google/models/gemini-2.5-pro", HOST, "/publishers/google/models/gemini-2.5-pro:generateContent"],
    ["endpoints/1234567890", HOST, "/endpoints/1234567890:generateContent"],
  ])("knows whose model %s is", async (model, host, path) => {
    expect((await send(model)).url).toBe(host + path);
  });

  it.each([
    ["europe-west4", "https://europe-west4-aiplatform.googleapis.com/v1beta1/"],
    ["global", "https://aiplatform.googleapis.com/v1beta1/"],
    ["eu", "https://aiplatform.eu.rep.googleapis.com/v1beta1/"],
  ])("goes to the location %s", async (vertexLocation, base) => {
    const { url } = await send("gemini-2.5-flash", { ...TOKEN, vertexLocation });
    expect(url).toBe(
      `${base}projects/my-project/locations/${vertexLocation}/publishers/google/models/gemini-2.5-flash:generateContent`,
    );
  });

  it("asks for vectors by predict, and newer models by embedContent", async () => {
    const input = { input: ["a", "b"], dimensions: 3, taskType: "RETRIEVAL_QUERY", autoTruncate: false };
    expect(await send("text-embedding-005", TOKEN, "embeddings", input)).toMatchObject({
      url: `${HOST}/publishers/google/models/text-embedding-005:predict`,
      json: {
        instances: [
          { content: "a", task_type: "RETRIEVAL_QUERY" },
          { content: "b", task_type: "RETRIEVAL_QUERY" },
        ],
        parameters: { outputDimensionality: 3, autoTruncate: false },
      },
    });
    expect(await send("gemini-embedding-2", TOKEN, "embeddings", { ...input, input: "a" })).toMatchObject({
      url: `${HOST}/publishers/google/models/gemini-embedding-2:embedContent`,
      json: {
        content: { parts: [{ text: "a" }] },
        embedContentConfig: { outputDimensionality: 3, taskType: "RETRIEVAL_QUERY", autoTruncate: false },
      },
    });
    await expect(send("gemini-embedding-2", TOKEN, "embeddings", input)).rejects.toThrow("must be one text");
    await expect(send("claude-sonnet-4-5@20250929", TOKEN, "embeddings", input)).rejects.toMatchObject({ http: 501 });
  });

  it("has the project of the service account, or of the environment, or says that there is none", async () => {
    const account = { vertexCredentials: JSON.stringify(ACCOUNT) };
    expect((await send("gemini-2.5-flash", account)).url).toContain("/projects/account-project/");
    const token = { vertexCredentials: "ya29.fixed" };
    await expect(send("gemini-2.5-flash", token)).rejects.toThrow(/set vertex_project/);
    const upstream = open(token, { GOOGLE_CLOUD_PROJECT: "env-project" });
    const call = callFor("chat", CHAT, false, upstream);
    expect((await upstream.encode(call, call.body, "gemini-2.5-flash")).path).toContain("/projects/env-project/");
  });
});

describe("a service account's token", () => {
  const init: Init = { vertexCredentials: JSON.stringify(ACCOUNT) };
  const ask = async (upstream: ReturnType<typeof open>) => {
    const call = callFor("chat", CHAT, false, upstream);
    const { headers } = await upstream.encode(call, call.body, "gemini-2.5-flash");
    return headers[headers.indexOf("authorization") + 1];
  };

  it("is had by a claim that the account's key signs", async () => {
    await ask(open(init));
    const { url, headers, body } = google.exchanges.at(-1)!;
    expect(url).toBe("/token");
    expect(headers["content-type"]).toBe("application/x-www-form-urlencoded");
    const form = new URLSearchParams(body.toString());
    expect(form.get("grant_type")).toBe("urn:ietf:params:oauth:grant-type:jwt-bearer");
    const [head, claims, signature] = form.get("assertion")!.split(".") as [string, string, string];
    const read = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString()) as unknown;
    expect(read(head)).toEqual({ alg: "RS256", typ: "JWT", kid: "key-1" });
    expect(read(claims)).toEqual({
      iss: ACCOUNT.client_email,
      scope: "https://www.googleapis.com/auth/cloud-platform",
      aud: ACCOUNT.token_uri,
      iat: 1_750_000_000,
      exp: 1_750_003_600,
    });
    const verify = createVerify("sha256").update(`${head}.${claims}`);
    expect(verify.verify(publicKey, signature, "base64url")).toBe(true);
  });

  it("is asked for once, whoever asks at the same time, and kept", async () => {
    const upstream = open(init);
    const before = google.hits;
    const all = await Promise.all(Array.from({ length: 10 }, () => ask(upstream)));
    expect(new Set(all).size).toBe(1);
    now += 3_000_000;
    expect(await ask(upstream)).toBe(all[0]);
    expect(google.hits - before).toBe(1);
  });

  it("is renewed while the old one is still good, and nobody waits for it", async () => {
    const upstream = open(init);
    const first = await ask(upstream);
    const held = Promise.withResolvers<void>();
    google.always({ ...json({ access_token: "ya29.next", expires_in: 3599 }), hold: held.promise });
    now += 3_400_000;
    const before = google.hits;
    expect([await ask(upstream), await ask(upstream)]).toEqual([first, first]);
    const renewal = await google.exchange(before);
    held.resolve();
    await renewal.finished;
    await expect.poll(() => ask(upstream)).toBe("Bearer ya29.next");
    expect(google.hits - before).toBe(1);
  });

  it("that Vertex refuses is had anew", async () => {
    const upstream = open(init);
    const first = await ask(upstream);
    upstream.fault(401, {}, Buffer.from("{}"));
    expect(await ask(upstream)).toBe(first);
    now += 60_000;
    upstream.fault(401, {}, Buffer.from("{}"));
    google.always(json({ access_token: "ya29.other", expires_in: 3599 }));
    expect(await ask(upstream)).toBe("Bearer ya29.other");
  });

  it.each<[string, Parameters<typeof google.always>[0], string]>([
    ["refused", json({ error: "invalid_grant", error_description: "Invalid JWT for x@y" }, 400), "(invalid_grant)"],
    ["failed", json({}, 503), "(status 503)"],
  ])("that is %s is UPSTREAM_CREDENTIALS, in words without the key", async (_name, script, word) => {
    google.always(script);
    const refusal = ask(open(init));
    await expect(refusal).rejects.toMatchObject({ fault: { reason: "UPSTREAM_CREDENTIALS" } });
    await expect(refusal).rejects.toThrow(
      `Google gave no token for Vertex AI ${word}; the operator must check vertex_credentials, or the workload's own identity.`,
    );
  });
});

describe("Vertex AI's settings", () => {
  const problems = (init: Init) =>
    provider.check!(create(VertexAiSettingsSchema, init), { name: "m", routeType: "llm/v1/chat" });

  it.each<[string, Init]>([
    ["nothing: the environment has it all", {}],
    ["a service account", { vertexCredentials: JSON.stringify(ACCOUNT), vertexLocation: "global" }],
    ["an access token", TOKEN],
    ["another credential of Google's", { vertexCredentials: '{"type": "external_account", "audience": "a"}' }],
  ])("may be %s", (_name, init) => {
    expect(problems(init)).toEqual([]);
  });

  it.each<[string, Init, string]>([
    ["half a JSON", { vertexCredentials: '{"type": "service_acc' }, "vertex_credentials"],
    [
      "an account without a key",
      { vertexCredentials: '{"type": "service_account", "client_email": "a@b"}' },
      "vertex_credentials",
    ],
    [
      "a key that was cut",
      { vertexCredentials: JSON.stringify({ ...ACCOUNT, private_key: ACCOUNT.private_key.slice(0, 500) }) },
      "vertex_credentials",
    ],
    ["a location of another form", { vertexLocation: "US Central" }, "vertex_location"],
    ["a project of another form", { vertexProject: "My Project" }, "vertex_project"],
    ["an address that is none", { baseUrl: "aiplatform.googleapis.com" }, "base_url"],
  ])("may not be %s, and no secret is repeated", (_name, init, path) => {
    const found = problems(init);
    expect(found.map((one) => one.path)).toEqual([path]);
    expect(found[0]!.message).not.toMatch(/PRIVATE|service_acc|MII/);
  });
});
