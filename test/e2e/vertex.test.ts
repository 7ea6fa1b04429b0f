/** Vertex AI through the whole gateway: who asks is found where Google's tools find it, and not before it is needed. */
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { json, sse } from "../support/canned.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { openaiNode } from "./ways.ts";

const recorded = (name: string) =>
  readFileSync(new URL(`../../src/providers/vertex_ai/fixtures/${name}`, import.meta.url));
let vertex: FakeUpstream;
let metadata: FakeUpstream;
let gateway: Gateway;
let home: string;

/** As the metadata server of a machine in Google's cloud, workload identity included, answers. */
const METADATA: Readonly<Record<string, unknown>> = {
  "/computeMetadata/v1/instance": "ok",
  "/computeMetadata/v1/instance/service-accounts/default/token": {
    access_token: "ya29.workload",
    expires_in: 3599,
    token_type: "Bearer",
  },
  "/computeMetadata/v1/universe/universe-domain": "googleapis.com",
};

beforeAll(async () => {
  vertex = await fakeUpstream();
  metadata = await fakeUpstream();
  metadata.always(({ url }) => json(METADATA[url.split("?")[0]!] ?? "", 200, { "metadata-flavor": "Google" }));
  home = await mkdtemp(join(tmpdir(), "polygate-home-"));
  const model = (name: string) =>
    `{provider: vertex_ai, name: ${name}, config: {vertex_project: p, base_url: ${vertex.url}/v1}}`;
  gateway = await startGateway(
    `
routes:
  - {name: gemini, route_type: llm/v1/chat, model: ${model("gemini-2.5-flash")}}
  - {name: claude, route_type: llm/v1/chat, model: ${model("claude-sonnet-4-5@20250929")}}
`,
    {
      env: {
        GCE_METADATA_HOST: metadata.url.slice("http://".length),
        HOME: home,
        GOOGLE_APPLICATION_CREDENTIALS: undefined,
      },
    },
  );
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await vertex?.close();
  await metadata?.close();
  await rm(home, { recursive: true, force: true });
});

it("asks the metadata server once a call needs it, and once for all", async () => {
  expect(metadata.hits).toBe(0);
  const chat = openaiNode(gateway).chat.completions;
  const messages = [{ role: "user" as const, content: "Why is the sky blue?" }];
  vertex.next(json(recorded("chat-text.json")));
  const whole = await chat.create({ model: "gemini", messages });
  expect(whole.choices[0]!.message.content).toContain("Rayleigh");
  expect(vertex.exchanges.at(-1)!.headers.authorization).toBe("Bearer ya29.workload");
  const { hits } = metadata;
  expect(hits).toBeGreaterThan(0);
  vertex.next(sse(recorded("claude-chat.sse")));
  let text = "";
  for await (const event of await chat.create({ model: "claude", messages, stream: true })) {
    text += event.choices[0]?.delta.content ?? "";
  }
  expect(text).not.toBe("");
  expect(vertex.exchanges.at(-1)!.url).toBe(
    "/v1/projects/p/locations/us-central1/publishers/anthropic/models/claude-sonnet-4-5@20250929:streamRawPredict",
  );
  await chat.create({ model: "gemini", messages }).catch(() => undefined);
  // Each model has its own credential, and each asked for it once.
  const tokens = metadata.exchanges.filter(({ url }) => url.includes("/token"));
  expect(tokens.length).toBe(2);
});

it("says clearly that nobody gave it a token", async () => {
  const nobody = await fakeUpstream();
  await nobody.close();
  await using other = await startGateway(
    `
routes:
  - name: gemini
    route_type: llm/v1/chat
    model: {provider: vertex_ai, name: gemini-2.5-flash, config: {vertex_project: p, vertex_credentials: '{"type": "external_account"}', base_url: ${vertex.url}/v1}}
`,
    { env: { GCE_METADATA_HOST: nobody.url.slice("http://".length), HOME: home, METADATA_SERVER_DETECTION: "none" } },
  );
  const asked = openaiNode(other).chat.completions.create({
    model: "gemini",
    messages: [{ role: "user", content: "hi" }],
  });
  await expect(asked).rejects.toMatchObject({ status: 502 });
  await expect(asked).rejects.toThrow(/Google gave no token for Vertex AI/);
});
