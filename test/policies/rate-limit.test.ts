/** Limits over sockets: what one protocol uses up is used up for all of them. */
import { ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { expect, it } from "vitest";
import { RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import { ChatService, Role } from "../../gen/polygate/v1/chat_pb.js";
import { runGateway } from "../lifecycle/gateway.ts";
import { fakeUpstream } from "../support/fake-upstream.ts";
import { routesOn } from "./routes.ts";
import { WAYS } from "./ways.ts";

const EVERYTHING = "scopes: [{ realm: inference }, { realm: admin }]";
const KEYS = `auth: { keys: [{ name: ann, key: ann-0123456789-abcdef, ${EVERYTHING} }, { name: bob, key: bob-0123456789-abcdef }] }`;
const ann = { authorization: "Bearer ann-0123456789-abcdef" };
const bob = { "x-api-key": "bob-0123456789-abcdef" };
const limited = (calls: number, more = "") => `, limit: { calls: ${calls}, renewal_period: hour${more} }`;
const chat = (url: string, headers: Record<string, string> = {}) =>
  fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ model: "chat", messages: [{ role: "user", content: "hi" }] }),
  });

it("counts every protocol of a route together, refuses in the words of each, and asks no provider then", async () => {
  await using upstream = await fakeUpstream();
  const most = WAYS.filter(({ route }) => route === "chat").length;
  await using running = await runGateway(`${KEYS}\n${routesOn(upstream.url, limited(most))}`);
  for (const { ask, name, route } of WAYS)
    if (route === "chat") expect([name, (await ask(running.url, ann)).said]).toEqual([name, "ok"]);
  const before = upstream.hits;
  expect(before).toBe(most);
  for (const { ask, name, route, exceeded } of WAYS) {
    if (route !== "chat") continue;
    const ending = await ask(running.url, ann);
    expect([name, ending.said]).toEqual([name, exceeded]);
    expect(Number(ending.headers["retry-after"])).toBeGreaterThan(3590);
    expect(ending.body).toContain(`Rate limit exceeded: ${most} per 1 hour`);
  }
  expect(upstream.hits).toBe(before);
  // Somebody else, another route, and who only looks, are not held up.
  for (const { ask, name, route } of WAYS) {
    const ending = await ask(running.url, route === "chat" ? bob : ann);
    expect([name, ending.said]).toEqual([name, "ok"]);
  }
});

it("tells REST callers where they stand with every answer", async () => {
  await using upstream = await fakeUpstream();
  await using running = await runGateway(routesOn(upstream.url, limited(2)));
  const stand = async () => {
    const { status, headers } = await chat(running.url);
    return [
      status,
      headers.get("x-ratelimit-limit"),
      headers.get("x-ratelimit-remaining"),
      headers.get("x-ratelimit-reset"),
    ];
  };
  const soon = expect.stringMatching(/^3[56]\d\d$/);
  expect(await stand()).toEqual([200, "2", "1", soon]);
  expect(await stand()).toEqual([200, "2", "0", soon]);
  expect(await stand()).toEqual([429, "2", "0", soon]);
});

it("tells gRPC callers when to come back, and what was used up", async () => {
  await using upstream = await fakeUpstream();
  await using running = await runGateway(routesOn(upstream.url, limited(0)));
  const client = createClient(ChatService, createGrpcTransport({ baseUrl: running.url }));
  const message = { role: Role.USER, content: { case: "text", value: "hi" } } as const;
  const error = await client.chat({ model: "chat", messages: [message] }).catch((thrown) => ConnectError.from(thrown));
  const [retry] = (error as ConnectError).findDetails(RetryInfoSchema);
  expect(Number(retry!.retryDelay!.seconds)).toBeGreaterThan(3590);
  expect((error as ConnectError).rawMessage).toMatch(
    /^Rate limit exceeded: 0 per 1 hour on the route "chat", 0 used; try again in 60 min\.$/,
  );
});

it("answers on MLflow's paths as MLflow does, to the letter", async () => {
  await using upstream = await fakeUpstream();
  await using running = await runGateway(routesOn(upstream.url, ", limit: { calls: 2, renewal_period: minute }"));
  const call = () =>
    fetch(`${running.url}/endpoints/chat/invocations`, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": "mlflow-python-client/2.22.5" },
      body: JSON.stringify({ messages: [{ role: "user", content: "hi" }] }),
    });
  expect([(await call()).status, (await call()).status]).toEqual([200, 200]);
  const refused = await call();
  expect([refused.status, await refused.text()]).toEqual([429, '{"error":"Rate limit exceeded: 2 per 1 minute"}']);
  const listed = await fetch(`${running.url}/api/2.0/endpoints/chat`);
  expect(((await listed.json()) as { limit: unknown }).limit).toEqual({
    calls: 2,
    key: null,
    renewal_period: "minute",
  });
});

it("goes on counting over a reload", async () => {
  await using upstream = await fakeUpstream();
  const config = (calls: number) => routesOn(upstream.url, limited(calls));
  await using running = await runGateway(config(2));
  const status = async () => (await chat(running.url)).status;
  expect([await status(), await status()]).toEqual([200, 200]);
  expect(await running.reload(`# a change of something else\n${config(2)}`)).toBe(true);
  expect(await status()).toBe(429);
  expect(await running.reload(config(4))).toBe(true);
  expect([await status(), await status()]).toEqual([200, 429]);
  expect(await running.reload(routesOn(upstream.url))).toBe(true);
  expect(await status()).toBe(200);
});

it("lets exactly as many of many calls at once through", async () => {
  await using upstream = await fakeUpstream();
  await using running = await runGateway(routesOn(upstream.url, limited(10, ", key: endpoint")));
  const statuses = await Promise.all(Array.from({ length: 40 }, async () => (await chat(running.url)).status));
  expect(statuses.filter((status) => status === 200)).toHaveLength(10);
  expect(upstream.hits).toBe(10);
});

it("counts a call once however many targets it takes, and none that is refused before its route is known", async () => {
  await using broken = await fakeUpstream({ status: 500 });
  await using upstream = await fakeUpstream();
  const model = (url: string) =>
    `{ model: { provider: openai, name: m, config: { openai_api_key: k, base_url: "${url}/v1" } } }`;
  await using running = await runGateway(
    `routes: [{ name: chat, route_type: llm/v1/chat, targets: [${model(broken.url)}, ${model(upstream.url)}]${limited(2)} }]`,
  );
  const wrong = await fetch(`${running.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  expect(wrong.status).toBe(400);
  const statuses = [];
  for (let call = 0; call < 3; call++) statuses.push((await chat(running.url)).status);
  expect(statuses).toEqual([200, 200, 429]);
});
