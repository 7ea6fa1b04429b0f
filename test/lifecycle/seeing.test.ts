/** What the log and the metrics say of exchanges, through the whole gateway and real sockets. */
import { describe, expect, it, vi } from "vitest";
import { fakeUpstream } from "../support/fake-upstream.ts";
import { keptLog } from "../support/log.ts";
import { drivers } from "./drivers.ts";
import { chatConfig, runGateway } from "./gateway.ts";

type Line = Record<string, unknown>;
const parsed = (lines: readonly string[]) => lines.map((line) => JSON.parse(line) as Line);
const requests = (lines: readonly string[]) => parsed(lines).filter(({ msg }) => msg === "request");
const KEY = "canary-key-of-the-config";

/** Asks over REST; the request id of the answer. */
async function ask(url: string, path: string, body: object, headers: Record<string, string> = {}): Promise<string> {
  const answer = await fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  await answer.text();
  return answer.headers.get("x-request-id")!;
}

const messages = [{ role: "user", content: "canary-of-the-prompt" }];

it("writes one line for each exchange, with the id that its caller was told", async () => {
  const { log, lines } = keptLog();
  await using fake = await fakeUpstream();
  await using running = await runGateway(chatConfig(fake.url), log);
  const { url } = running;
  const ids = [
    await ask(url, "/v1/chat/completions", { model: "chat", messages }),
    await ask(url, "/v1/chat/completions", { model: "chta", messages }),
    await ask(url, "/v1/chat/completions", { messages }),
    await ask(url, "/gateway/chat/invocations", { messages }),
    await ask(url, "/polygate.v1.ChatService/Chat", { model: "chta", messages: [{ role: "ROLE_USER", text: "hi" }] }),
    await ask(url, "/nowhere", {}, { "x-request-id": "my-own" }),
  ];
  await vi.waitFor(() => expect(requests(lines)).toHaveLength(ids.length));
  const seen = requests(lines).map(({ request_id, protocol, route, status, reason }) => [
    request_id,
    protocol,
    route,
    status,
    reason,
  ]);
  expect(new Set(seen)).toEqual(
    new Set([
      [ids[0], "openai", "chat", 200, undefined],
      [ids[1], "openai", undefined, 404, "ROUTE_UNKNOWN"],
      [ids[2], "openai", undefined, 400, "FIELD_INVALID"],
      [ids[3], "mlflow", "chat", 200, undefined],
      [ids[4], "connect", undefined, 404, "ROUTE_UNKNOWN"],
      ["my-own", "", undefined, 404, "ROUTE_UNKNOWN"],
    ]),
  );
});

it("holds no key, prompt, query or credential, whatever the provider repeats", async () => {
  const { log, lines } = keptLog();
  await using fake = await fakeUpstream();
  const config = chatConfig(fake.url).replace("sk-test", KEY);
  await using running = await runGateway(config, log);
  fake.always(({ headers, body }) => ({
    status: Number(headers["x-status"] ?? [400, 401, 429, 500][fake.hits % 4]),
    headers: { "content-type": "application/json", "x-request-id": `up-${headers.authorization}` },
    body: [
      JSON.stringify({
        error: { message: `no: ${headers.authorization} ${String(body)}`, type: "t", code: String(body) },
      }),
    ],
  }));
  const headers = { authorization: "Bearer canary-of-the-caller", "user-agent": `mine ${KEY}` };
  for (let n = 0; n < 8; n++) {
    const path = n % 2 === 0 ? "/v1/chat/completions?q=canary-of-the-query" : "/gateway/chat/invocations";
    const body = n % 2 === 0 ? { model: "chat", messages } : { messages };
    await ask(running.url, path, body, headers);
  }
  fake.always({ status: 200, headers: { "content-type": "application/json" }, body: [`canary-of-the-answer ${KEY}`] });
  await ask(running.url, "/v1/chat/completions", { model: "chat", messages }, headers);
  await vi.waitFor(() => expect(requests(lines)).toHaveLength(9));
  const reasons = new Set(requests(lines).map(({ reason }) => reason));
  expect(reasons).toEqual(new Set(["UPSTREAM_REJECTED", "UPSTREAM_CREDENTIALS", "UPSTREAM_BUSY", "UPSTREAM_FAILED"]));
  expect(lines.join("")).not.toContain("canary");
  const page = await (await fetch(`${running.url}/metrics`)).text();
  expect(page).toContain('reason="UPSTREAM_CREDENTIALS"');
  expect(page).not.toContain("canary");
});

describe.each(drivers)("a stream over $name", (driver) => {
  const delta = (content: string, finish: string | null = null) =>
    `data: ${JSON.stringify({ id: "c", choices: [{ index: 0, delta: { content }, finish_reason: finish }] })}\n\n`;
  const usage = 'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}\n\n';
  const headers = { "content-type": "text/event-stream" };

  it("is counted with its tokens, its failure and its caller's leaving, each once", async () => {
    const { log, lines } = keptLog();
    await using fake = await fakeUpstream();
    await using running = await runGateway(chatConfig(fake.url), log);
    fake.next({ headers, body: [delta("a"), delta("b", "stop"), usage, "data: [DONE]\n\n"] });
    await driver.stream(running.url);
    fake.next({ headers, body: [delta("a")], ending: "reset" });
    await driver.stream(running.url);
    fake.next({ headers, body: [delta("a"), new Promise(() => {})] });
    const leaving = new AbortController();
    await driver.stream(running.url, { signal: leaving.signal, onText: () => leaving.abort() }).catch(() => {});
    await vi.waitFor(() => expect(requests(lines)).toHaveLength(3));
    expect(requests(lines)).toMatchObject([
      { route: "chat", stream: true, status: 200, input_tokens: 3, output_tokens: 2, ttft_ms: expect.any(Number) },
      { level: "warn", reason: "UPSTREAM_FAILED", cause: expect.any(String) },
      { level: "info", status: 499, reason: "CALLER_GONE" },
    ]);
    const page = await (await fetch(`${running.url}/metrics`)).text();
    const counts = [...page.matchAll(/^polygate_requests_total\{.*operation="chat".*reason="(\w*)"\} (\d+)$/gm)];
    expect(counts.map(([, reason, count]) => [reason, count])).toEqual([
      ["", "1"],
      ["UPSTREAM_FAILED", "1"],
      ["CALLER_GONE", "1"],
    ]);
    expect(page).toMatch(/^polygate_tokens_total\{type="input",.*\} 3$/m);
    expect(page).toMatch(/^polygate_time_to_first_token_seconds_count\{.*\} 3$/m);
    expect(page).toMatch(/^polygate_upstream_faults_total\{.*reason="UPSTREAM_FAILED"\} 1$/m);
  });
});

it("counts a reload that failed, and says why in the log", async () => {
  const { log, lines } = keptLog();
  await using fake = await fakeUpstream();
  await using running = await runGateway(chatConfig(fake.url), log);
  expect(await running.reload("routes: [{ nam: x }]")).toBe(false);
  expect(parsed(lines)).toContainEqual(
    expect.objectContaining({ level: "error", problem: expect.stringContaining("nam") }),
  );
  const page = await (await fetch(`${running.url}/metrics`)).text();
  expect(page).toMatch(/^polygate_config_reload_failures_total 1$/m);
  expect(page).toMatch(/^polygate_config_generation 1$/m);
});
