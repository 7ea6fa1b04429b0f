/** What a config file may name, and what a caller is told when an origin may not be dialed. */
import { describe, expect, it } from "vitest";
import { load } from "../../src/config/load.ts";
import { formatProblem } from "../../src/config/problems.ts";
import { kinds } from "../../src/site.ts";
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
