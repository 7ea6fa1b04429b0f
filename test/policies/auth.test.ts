/** Keys over sockets: who is refused by one protocol is refused by all of them. */
import { createHash } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../gen/grpc/health/v1/health_pb.js";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.js";
import type { Door } from "../../src/core/site.ts";
import { loadProtocols } from "../../src/registry.ts";
import { type Running, runGateway } from "../lifecycle/gateway.ts";
import { fakeClock } from "../support/clock.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { rawSocket } from "../support/raw.ts";
import { routesOn } from "./routes.ts";
import { type Headers, WAYS } from "./ways.ts";

const ANN = "ann-0123456789-abcdefXYZ";
const BOB = "bob-0123456789-abcdefXYZ";
const sha256 = createHash("sha256").update(BOB).digest("hex");
const EVERYTHING = "scopes: [{ realm: inference }, { realm: admin }]";
const KEYS = `auth: { keys: [{ name: ann, key: ${ANN}, ${EVERYTHING} }, { name: bob, sha256: ${sha256}, ${EVERYTHING} }] }`;

let upstream: FakeUpstream;
let running: Running;
beforeAll(async () => {
  upstream = await fakeUpstream();
  running = await runGateway(`${KEYS}\n${routesOn(upstream.url)}`);
});
afterAll(async () => {
  await running[Symbol.asyncDispose]();
  await upstream.close();
});

const basic = (pair: string) => `Basic ${Buffer.from(pair).toString("base64")}`;
const RIGHT: readonly (readonly [string, Headers])[] = [
  ["Bearer", { authorization: `Bearer ${ANN}` }],
  ["x-api-key", { "x-api-key": ANN }],
  ["api-key", { "api-key": BOB }],
  ["Basic", { authorization: basic(`somebody:${BOB}`) }],
];
const WRONG: readonly (readonly [string, Headers])[] = [
  ["no key", {}],
  ["a wrong key", { authorization: "Bearer nobody-0123456789-abcdef" }],
  ["a truncated key", { authorization: `Bearer ${ANN.slice(0, -1)}` }],
  ["an extended key", { authorization: `Bearer ${ANN}0` }],
  ["a key in another case", { authorization: `Bearer ${ANN.toLowerCase()}` }],
  ["a key in a cookie", { cookie: `key=${ANN}` }],
];

describe.each(WAYS)("$name", ({ ask, unknown, route }) => {
  it("refuses whom it does not know, always in the same words, and asks no provider", async () => {
    const before = upstream.hits;
    const told = new Set<string>();
    for (const [what, headers] of WRONG) {
      const ending = await ask(running.url, headers);
      expect([what, ending.said]).toEqual([what, unknown]);
      expect(ending.headers["www-authenticate"]).toBe("Bearer");
      told.add(ending.body);
    }
    expect(told.size).toBe(1);
    expect(upstream.hits).toBe(before);
  });

  it.each(RIGHT)("answers a key in %s, which no provider sees", async (_, headers) => {
    const before = upstream.hits;
    expect((await ask(running.url, headers)).said).toBe("ok");
    expect(upstream.hits - before).toBe(route === undefined ? 0 : 1);
    const sent = upstream.exchanges.at(-1)?.rawHeaders.join("\n") ?? "";
    for (const key of [ANN, BOB, ...Object.values(headers)]) expect(sent).not.toContain(key);
  });
});

describe("without a key", () => {
  it("every endpoint refuses that is not open to all", async () => {
    const protocols = await loadProtocols();
    const mounts = protocols.flatMap((one) => one.mounts({ clock: fakeClock() } as unknown as Door));
    const open: string[] = [];
    for (const { method, path, permission } of mounts.flatMap(({ endpoints }) => endpoints)) {
      if (permission === "open") {
        open.push(`${method} ${path}`);
        continue;
      }
      const reply = await fetch(running.url + path.replaceAll(/\{\w+\}/g, "chat"), { method });
      expect([method, path, reply.status]).toEqual([method, path, 401]);
    }
    expect(open.filter((one) => !/docs|redoc|favicon|reflection/.test(one))).toEqual([
      "POST /grpc.health.v1.Health/Check",
      "POST /grpc.health.v1.Health/Watch",
      "GET /",
      "GET /openapi.json",
      "GET /health",
    ]);
  });

  it("nobody learns which paths and routes there are", async () => {
    const paths = [
      "/nothing",
      "/v1/nothing",
      "/gateway/chat/invocations/",
      "/gateway/none/invocations/",
      "/api/2.0/nothing",
    ];
    for (const path of paths) expect([path, (await fetch(running.url + path)).status]).toEqual([path, 401]);
    expect((await fetch(`${running.url}/v1/chat/completions`, { method: "DELETE" })).status).toBe(401);
    const page = await (await fetch(`${running.url}/openapi.json`)).text();
    expect(JSON.parse(page).components.parameters.RouteName.schema).toEqual({ type: "string" });
  });

  it("health is told, and the API described", async () => {
    for (const path of ["/health", "/livez", "/readyz", "/docs", "/openapi.json"])
      expect([path, (await fetch(running.url + path)).status]).toEqual([path, 200]);
    const transport = createGrpcTransport({ baseUrl: running.url });
    expect(await createClient(Health, transport).check({})).toMatchObject({ status: Status.SERVING });
    async function* asked() {
      yield { messageRequest: { case: "listServices", value: "" } as const };
    }
    for await (const { messageResponse } of createClient(ServerReflection, transport).serverReflectionInfo(asked()))
      expect(messageResponse.case).toBe("listServicesResponse");
  });

  it("metrics are not", async () => {
    expect((await fetch(`${running.url}/metrics`)).status).toBe(401);
    expect((await fetch(`${running.url}/metrics`, { headers: { "x-api-key": ANN } })).status).toBe(200);
  });

  it("a browser still learns that it may ask, and may read the refusal", async () => {
    await using other = await runGateway(
      `${KEYS}\nlisten: { cors: { allowed_origins: [https://app.example] } }\n${routesOn(upstream.url)}`,
    );
    const origin = "https://app.example";
    const asked = {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization",
    };
    const preflight = await fetch(`${other.url}/v1/chat/completions`, { method: "OPTIONS", headers: asked });
    expect([preflight.status, preflight.headers.get("access-control-allow-headers")]).toEqual([204, "authorization"]);
    const refused = await fetch(`${other.url}/v1/models`, { headers: { origin } });
    expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([401, origin]);
  });
});

describe("on a socket", () => {
  const head = (more: string) =>
    `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n${more}\r\n`;

  it("the refusal comes before the body does", async () => {
    await using raw = await rawSocket(running.gateway.port);
    raw.send(head("content-length: 20000000\r\n"));
    expect(await raw.until("invalid_api_key")).toMatch(/^HTTP\/1\.1 401 /);
  });

  it.each([
    ["two keys in two headers", `authorization: Bearer ${ANN}\r\nx-api-key: ${ANN}\r\n`],
    ["one header twice", `x-api-key: ${ANN}\r\nX-API-KEY: ${ANN}\r\n`],
    ["Authorization twice", `authorization: Bearer ${ANN}\r\nauthorization: Bearer nobody\r\n`],
  ])("%s are refused, whichever is right", async (_, more) => {
    await using raw = await rawSocket(running.gateway.port);
    raw.send(`${head(`${more}content-length: 2\r\n`)}{}`);
    expect(await raw.until("more than on")).toMatch(/^HTTP\/1\.1 400 /);
  });

  it("a key in the query, in the path or in another header is none", async () => {
    for (const target of [`/v1/models?key=${ANN}&api-key=${ANN}`, `/v1/models/${ANN}`]) {
      await using raw = await rawSocket(running.gateway.port);
      raw.send(
        `GET ${target} HTTP/1.1\r\nhost: a\r\nx-other-api-key: ${ANN}\r\nproxy-authorization: Bearer ${ANN}\r\n\r\n`,
      );
      expect(await raw.until("invalid_api_key")).toMatch(/^HTTP\/1\.1 401 /);
    }
  });
});

it("takes a key away, and gives one, with the next config", async () => {
  await using other = await runGateway(`${KEYS}\n${routesOn(upstream.url)}`);
  const models = async (key: string) =>
    (await fetch(`${other.url}/v1/models`, { headers: { "x-api-key": key } })).status;
  expect([await models(ANN), await models(BOB)]).toEqual([200, 200]);
  expect(await other.reload(`auth: { keys: [{ name: ann, key: ${ANN} }] }\n${routesOn(upstream.url)}`)).toBe(true);
  expect([await models(ANN), await models(BOB)]).toEqual([200, 401]);
  expect(await other.reload(`auth:\n${routesOn(upstream.url)}`)).toBe(false);
  expect([await models(ANN), await models(BOB)]).toEqual([200, 401]);
  expect(await other.reload(routesOn(upstream.url))).toBe(true);
  expect(await models("anything")).toBe(200);
});

it("is not taken away by a file while others can come, but by one that says so", async () => {
  const everywhere = `listen: { host: 0.0.0.0 }\n${routesOn(upstream.url)}`;
  await using other = await runGateway(`${KEYS}\n${everywhere}`);
  const status = async () => (await fetch(`${other.url}/v1/models`)).status;
  expect(await other.reload(everywhere)).toBe(false);
  expect(await status()).toBe(401);
  expect(await other.reload(`auth: none\n${everywhere}`)).toBe(true);
  expect(await status()).toBe(200);
});

it("leaves the admin API to pages of no other site whose name leads here", async () => {
  await using open = await runGateway(routesOn(upstream.url));
  const ask = async (host: string, path: string) => {
    await using raw = await rawSocket(open.gateway.port);
    raw.send(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
    return (await raw.until("\r\n")).split(" ")[1];
  };
  const list = "/polygate.admin.v1.RouteAdminService/ListRoutes?connect=v1&encoding=json&message=%7B%7D";
  const local = `localhost:${open.gateway.port}`;
  expect([await ask(local, list), await ask("evil.example", list)]).toEqual(["200", "403"]);
  expect([await ask(local, "/v1/models"), await ask("evil.example", "/v1/models")]).toEqual(["200", "200"]);
});
