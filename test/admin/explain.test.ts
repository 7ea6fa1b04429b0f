/** What would be done with a request, told without doing it. */
import { Code } from "@connectrpc/connect";
import { expect, it } from "vitest";
import { Lifecycle } from "../../gen/polygate/config/v1/config_pb.js";
import { fakeUpstream } from "../support/fake-upstream.ts";
import { runAdmin } from "./gateway.ts";

const request = { model: "chat", messages: [{ role: "user", content: "hi" }], logit_bias: { "1": 2 } };

it("tells the upstream request of each target, with no secret, and asks no provider", async () => {
  await using fake = await fakeUpstream({ body: ["{}"] });
  await using running = await runAdmin(`
log: { level: silent }
routes:
  - name: chat
    route_type: llm/v1/chat
    limit: { calls: 5, renewal_period: minute }
    targets:
      - { weight: 0, model: { provider: openai, name: gpt-4o, config: { openai_api_key: sk-canary-1, base_url: ${fake.url}/v1 } } }
      - { weight: 3, model: { provider: anthropic, name: claude, config: { anthropic_api_key: sk-canary-2 } } }
      - { weight: 0, model: { provider: bedrock, name: amazon.nova-lite-v1:0, config: { aws_config: { aws_region: eu-west-1 } } } }
      - { weight: 0, model: { provider: simulator, name: m } }
`);
  const explained = await running.routes.explainRoute({ operation: "chat", request });
  expect(explained).toMatchObject({
    allowed: true,
    refusal: "",
    revision: 1n,
    route: { name: "chat" },
    steps: [{ kind: "rate_limit", phases: ["before"], description: "5 per minute" }],
  });
  expect(explained.targets.map(({ target, reason }) => [target?.model?.provider, reason])).toEqual([
    ["anthropic", "drawn, weight 3 of 3"],
    ["openai", "when the one before fails, weight 0 of 3"],
    ["bedrock", "when all 2 before fail, weight 0 of 3"],
    ["simulator", "when all 3 before fail, weight 0 of 3"],
  ]);
  const [anthropic, openai, bedrock, simulator] = explained.targets;
  expect(anthropic).toMatchObject({
    method: "POST",
    url: "https://api.anthropic.com/v1/messages",
    headers: { "x-api-key": expect.stringMatching(/^\*{3}[0-9a-f]{8}$/) },
    dropped: ["logit_bias"],
    defaulted: ["max_tokens"],
  });
  expect(JSON.parse(anthropic!.body)).toMatchObject({ model: "claude", messages: [{ role: "user", content: "hi" }] });
  expect(openai).toMatchObject({
    url: `${fake.url}/v1/chat/completions`,
    headers: { authorization: expect.stringMatching(/^Bearer \*{3}[0-9a-f]{8}$/) },
    dropped: [],
  });
  expect(bedrock!.headers["authorization"]).toBe("AWS4-HMAC-SHA256 ***");
  expect(simulator!.url).toBe("");
  // Whoever asks with a guess is not told whether it is right.
  const guess = { ...request, messages: [{ role: "user", content: "sk-canary-1 or sk-canary-3" }] };
  const guessed = await running.routes.explainRoute({ operation: "chat", request: guess });
  for (const { body, headers } of guessed.targets.slice(0, 2)) {
    expect(body).toContain("sk-canary-1 or sk-canary-3");
    expect(JSON.stringify(headers)).not.toContain("sk-canary");
  }
  const long = { ...request, messages: [{ role: "user", content: "x".repeat(1 << 20) }] };
  await expect(running.routes.explainRoute({ operation: "chat", request: long })).rejects.toMatchObject({
    code: Code.InvalidArgument,
  });
  const all = JSON.stringify(explained, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
  expect(all).not.toContain("sk-canary");
  expect(fake.exchanges).toEqual([]);
});

it("tells why a caller may not, and of drafts and of routes that do something else", async () => {
  await using running = await runAdmin(`
log: { level: silent }
auth:
  keys:
    - { name: boss, key: key-of-the-boss-1234567890, scopes: [{ realm: admin }, { realm: inference }] }
    - { name: guest, key: key-of-the-guest-123456789, scopes: [{ realm: inference, routes: ["free-*"] }] }
routes:
  - { name: chat, route_type: llm/v1/chat, lifecycle: draft, model: { provider: simulator, name: m } }
`);
  const headers = { authorization: "Bearer key-of-the-boss-1234567890" };
  const ask = (over: object) => running.routes.explainRoute({ operation: "chat", request, ...over }, { headers });
  expect(await ask({ principal: "guest" })).toMatchObject({
    allowed: false,
    refusal: 'The key "guest" may not do chat on the route "chat".',
    steps: [{ kind: "auth", phases: ["admit"] }],
  });
  const draft = await ask({});
  expect(draft).toMatchObject({ allowed: false, refusal: 'No route is named "chat".' });
  expect(draft.targets).toHaveLength(1);
  expect(draft.route?.spec?.lifecycle).toBe(Lifecycle.DRAFT);
  expect(await ask({ operation: "embeddings" })).toMatchObject({ allowed: false, targets: [] });
  await expect(ask({ principal: "nobody" })).rejects.toMatchObject({ code: Code.NotFound });
  await expect(ask({ request: { model: "nope" } })).rejects.toMatchObject({ code: Code.NotFound });
  await expect(running.routes.explainRoute({ operation: "chat", request })).rejects.toMatchObject({
    code: Code.Unauthenticated,
  });
});
