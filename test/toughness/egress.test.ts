/** What a config file may name, and what a caller is told when an origin may not be dialed. */
import { describe, expect, it } from "vitest";
import { load } from "../../src/config/load.ts";
import { formatProblem } from "../../src/config/problems.ts";
import { kinds } from "../../src/kinds.ts";
import { fakeUpstream } from "../support/fake-upstream.ts";
import { startHere } from "./here.ts";

const config = (baseUrl: string, allow = "") => `
egress: {allow: [${allow}]}
routes:
- name: chat
  route_type: llm/v1/chat
  model: {provider: openai, name: m, config: {openai_api_key: sk-secret, base_url: "${baseUrl}"}}
`;
const problemsOf = async (text: string) => {
  const { problems } = await load({ file: "f.yaml", text }, { kinds });
  return problems.map(formatProblem);
};

describe("a config file", () => {
  it.each([
    ["http://169.254.169.254/v1", "169.254.169.254 is where a cloud hands out credentials"],
    ["http://metadata.google.internal/v1", "metadata.google.internal hands out credentials"],
    ["http://0xa9.0xfe.43518/v1", "169.254.169.254 is where a cloud hands out credentials"],
    ["http://0.0.0.0:9100/v1", "0.0.0.0 is no address to dial"],
  ])("that names %s is not taken", async (baseUrl, why) => {
    expect(await problemsOf(config(baseUrl))).toEqual([
      `f.yaml:6:84 routes[0].model.config.base_url: ${why}; list it under egress.allow if it is meant`,
    ]);
  });

  it.each(["http://127.0.0.1:9100/v1", "http://localhost:11434/v1", "http://10.1.2.3/v1", "http://ollama:11434/v1"])(
    "may name what is near without more words: %s",
    async (baseUrl) => expect(await problemsOf(config(baseUrl))).toEqual([]),
  );

  it("may name metadata when egress.allow does", async () => {
    expect(await problemsOf(config("http://169.254.169.254/v1", "169.254.169.254"))).toEqual([]);
  });
});

it("tells the operator why a name is not dialed, and the caller no address", async () => {
  await using here = await startHere(config("http://api.example.com/v1"), {
    resolve: (_, __, done) => done(null, [{ address: "10.9.8.7", family: 4 }]),
  });
  const reply = await fetch(`${here.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "chat", messages: [{ role: "user", content: "Hi" }] }),
  });
  const text = await reply.text();
  expect(reply.status).toBe(503);
  expect(JSON.parse(text)).toMatchObject({ error: { message: "The provider openai cannot be reached." } });
  expect(text).not.toMatch(/10\.9|example|egress/);
  await expect.poll(() => here.log()).toContain("api.example.com resolves to 10.9.8.7, which is a private address");
});

describe("a caller", () => {
  const BODY = { model: "chat", messages: [{ role: "user", content: "Hi" }] };

  it("has no say in where a call goes: no member, header, query or name of a route is read as an address", async () => {
    await using evil = await fakeUpstream();
    await using good = await fakeUpstream();
    await using here = await startHere(config(`${good.url}/v1`));
    const { host } = new URL(evil.url);
    const words = {
      base_url: evil.url,
      api_base: evil.url,
      openai_api_base: evil.url,
      endpoint: evil.url,
      url: evil.url,
      provider: { base_url: evil.url },
      config: { openai_api_base: evil.url },
      extra_body: { base_url: evil.url },
    };
    const headers = {
      "x-base-url": evil.url,
      "x-upstream": evil.url,
      "x-forwarded-host": host,
      "x-original-url": evil.url,
      "x-rewrite-url": evil.url,
      forwarded: `host=${host}`,
      "x-portkey-custom-host": evil.url,
    };
    const ask = (path: string, body: object) =>
      fetch(here.url + path, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      });
    const path = `/v1/chat/completions?base_url=${encodeURIComponent(evil.url)}`;
    expect((await ask(path, { ...BODY, ...words })).status).toBe(200);
    const { url: asked, headers: sent } = await good.exchange(0);
    expect(asked).toBe("/v1/chat/completions");
    expect(sent.host).toBe(new URL(good.url).host);
    expect(Object.keys(sent).filter((name) => name in headers)).toEqual([]);
    for (const name of [evil.url, `//${host}`, `@${host}`, "../chat", "chat@evil", "chat\r\nhost: evil"]) {
      expect((await ask("/v1/chat/completions", { ...BODY, model: name })).status).toBe(404);
      const invoked = await ask(`/gateway/${encodeURIComponent(name)}/invocations`, { messages: BODY.messages });
      expect(invoked.status).toBe(404);
    }
    expect([good.hits, evil.connections.accepted]).toEqual([1, 0]);
  });
});
