/** Where a route is in its life, as callers see it. */
import { Code, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { expect, it } from "vitest";
import { Lifecycle } from "../../gen/polygate/config/v1/config_pb.js";
import { ChatService, Role } from "../../gen/polygate/v1/chat_pb.js";
import { type Running, runAdmin, simulated } from "./gateway.ts";

const SUNSET = "Sun, 31 Jan 2027 00:00:00 GMT";
const model = "model: { provider: simulator, name: m }";
const FILE = `
log: { level: silent }
routes:
  - { name: old, route_type: llm/v1/chat, lifecycle: deprecated, sunset: 2027-01-31, ${model} }
  - { name: gone, route_type: llm/v1/chat, lifecycle: retired, sunset: 2026-01-31, ${model} }
  - { name: young, route_type: llm/v1/chat, lifecycle: draft, ${model} }
  - { name: plain, route_type: llm/v1/chat, ${model} }
`;

async function rest(url: string, path: string, route: string, stream = false) {
  const named = path.startsWith("/v1/") && { model: route, stream };
  const body = JSON.stringify({ ...named, messages: [{ role: "user", content: "hi" }] });
  const response = await fetch(`${url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  const text = await response.text();
  return {
    status: response.status,
    text,
    since: response.headers.get("deprecation"),
    end: response.headers.get("sunset"),
  };
}

const WAYS = [
  ["gRPC", (baseUrl: string) => createGrpcTransport({ baseUrl })],
  ["Connect", (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: "1.1" })],
] as const;

async function rpc(running: Running, way: (typeof WAYS)[number][1], route: string) {
  let headers = new Headers();
  const client = createClient(ChatService, way(running.url));
  const request = { model: route, messages: [{ role: Role.USER, content: { case: "text" as const, value: "hi" } }] };
  await client.chat(request, {
    onHeader(all) {
      headers = all;
    },
  });
  return headers;
}

it("is told by headers to callers of a deprecated route, by every protocol and in streams", async () => {
  await using running = await runAdmin(FILE);
  const { url } = running;
  for (const [path, stream] of [
    ["/v1/chat/completions", false],
    ["/v1/chat/completions", true],
    ["/gateway/old/invocations", false],
  ] as const) {
    expect(await rest(url, path, "old", stream), path).toMatchObject({
      status: 200,
      since: expect.stringMatching(/^@\d+$/),
      end: SUNSET,
    });
  }
  expect(await rest(url, "/v1/chat/completions", "plain")).toMatchObject({ since: null, end: null });
  for (const [, way] of WAYS) {
    const headers = await rpc(running, way, "old");
    expect([headers.get("deprecation"), headers.get("sunset")]).toEqual([expect.stringMatching(/^@\d+$/), SUNSET]);
  }
});

it("ends a retired route with words, and hides a draft", async () => {
  await using running = await runAdmin(FILE);
  const { url } = running;
  const gone = await rest(url, "/v1/chat/completions", "gone");
  expect([gone.status, gone.text]).toEqual([410, expect.stringContaining("is retired since 2026-01-31")]);
  expect((await rest(url, "/gateway/gone/invocations", "gone")).text).toContain("is retired since 2026-01-31");
  expect((await rest(url, "/v1/chat/completions", "young")).status).toBe(404);
  for (const [, way] of WAYS) {
    await expect(rpc(running, way, "gone")).rejects.toMatchObject({ code: Code.NotFound });
    await expect(rpc(running, way, "young")).rejects.toMatchObject({ code: Code.NotFound });
  }
  const { data } = (await (await fetch(`${url}/v1/models`)).json()) as { data: { id: string }[] };
  expect(data.map(({ id }) => id)).toEqual(["old", "plain"]);
});

it("changes by the API, while the gateway runs", async () => {
  await using running = await runAdmin(FILE);
  const { url, routes } = running;
  await routes.createRoute({ route: { ...simulated("new", "hi"), lifecycle: Lifecycle.DRAFT } });
  expect((await rest(url, "/v1/chat/completions", "new")).status).toBe(404);
  const update = (lifecycle: Lifecycle) =>
    routes.updateRoute({
      route: { name: "new", lifecycle, sunset: "2027-01-31" },
      updateMask: { paths: ["lifecycle", "sunset"] },
    });
  await update(Lifecycle.PUBLISHED);
  expect(await rest(url, "/v1/chat/completions", "new")).toMatchObject({ status: 200, end: null });
  await update(Lifecycle.DEPRECATED);
  expect(await rest(url, "/v1/chat/completions", "new")).toMatchObject({ status: 200, end: SUNSET });
  await update(Lifecycle.RETIRED);
  expect((await rest(url, "/v1/chat/completions", "new")).status).toBe(410);
  await expect(routes.updateRoute({ route: { name: "new", sunset: "2027-02-31" } })).rejects.toThrow(
    /calendar has no such day/,
  );
});
