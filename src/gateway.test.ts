import { expect, it } from "vitest";
import { siteOf } from "../test/support/door.ts";
import { silentLog } from "../test/support/log.ts";
import { targetOf } from "../test/support/plan.ts";
import { provider } from "../test/support/rpc.ts";
import type { AdminApi } from "./core/admin.ts";
import type { Call } from "./core/call.ts";
import { GatewayError } from "./core/errors.ts";
import { INFERENCE, principalOf } from "./core/grants.ts";
import type { Admit, Head } from "./core/policy.ts";
import { serve } from "./gateway.ts";
import { createMetrics } from "./observe/metrics.ts";
import { createObserver } from "./observe/observer.ts";
import type { LiveSite } from "./site.ts";

/** A port with one chat route, to which `admit` lets callers in. */
async function open(admit: Admit, admin?: AdminApi) {
  const calls: Call[] = [];
  const target = targetOf(provider().exchange);
  const before = [(call: Call) => void calls.push(call)];
  const site = siteOf([{ name: "chat", type: "llm/v1/chat", targets: [target], over: { before } }], { admit });
  const live = { site, stopping: false, onChange: () => () => {} } as unknown as LiveSite;
  const observer = createObserver({ log: silentLog(), metrics: createMetrics({ process: false }) });
  const settings = { host: "127.0.0.1", port: 0, tls: undefined };
  const port = await serve({ live, observer, mounts: [], settings, admin });
  return {
    calls,
    url: `http://127.0.0.1:${port.port}`,
    ask: () =>
      fetch(`http://127.0.0.1:${port.port}/v1/chat/completions`, {
        method: "POST",
        headers: { "x-who": "ann", "content-type": "application/json" },
        body: JSON.stringify({ model: "chat", messages: [{ role: "user", content: "hi" }] }),
      }),
    async [Symbol.asyncDispose]() {
      port.cut();
      await port.drain();
    },
  };
}

it("has those written down who ask the admin API and may not, strangers too", async () => {
  const told: string[] = [];
  const admin: AdminApi = {
    call: () => Promise.reject(new Error("nobody gets here")),
    async *stream() {},
    refused: (method, reason, { principal, requestId }) =>
      void told.push(`${principal.name}: ${method} ${reason} ${requestId}`),
  };
  await using port = await open(
    ({ headers }) => (headers["x-who"] === "ann" ? whoOf({ headers } as Head) : stranger()),
    admin,
  );
  const ask = (path: string, who: string) =>
    fetch(port.url + path, {
      method: "POST",
      headers: { "x-who": who, "x-request-id": `of-${who}`, "content-type": "application/json" },
      body: "{}",
    }).then(({ status }) => status);
  const service = "polygate.admin.v1.RouteAdminService";
  expect(await ask(`/${service}/DeleteRoute`, "ann")).toBe(403);
  expect(await ask(`/${service}/ListRoutes`, "eve")).toBe(401);
  expect(await ask("/v1/chat/completions", "eve")).toBe(401);
  expect(told).toEqual([
    `ann: ${service}/DeleteRoute CALLER_FORBIDDEN of-ann`,
    `: ${service}/ListRoutes CALLER_UNKNOWN of-eve`,
  ]);
});

const whoOf = ({ headers }: Head) => principalOf(String(headers["x-who"]), "", [INFERENCE]);
const stranger = () => {
  throw new GatewayError("Who are you?", { reason: "CALLER_UNKNOWN" });
};

it("gives a call the name under which its caller was let in", async () => {
  await using port = await open(whoOf);
  expect((await port.ask()).status).toBe(200);
  expect(port.calls.map(({ principal }) => principal)).toEqual(["ann"]);
});

it("waits for one who has to ask elsewhere who the caller is, and loses no byte of the body", async () => {
  const asking = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  await using port = await open(async (head) => {
    asking.resolve();
    await answer.promise;
    return whoOf(head);
  });
  const reply = port.ask();
  await asking.promise;
  expect(port.calls).toEqual([]);
  answer.resolve();
  expect((await reply).status).toBe(200);
  expect(port.calls.map(({ principal }) => principal)).toEqual(["ann"]);
});

it.each<[string, Admit, number]>([
  ["at once", stranger, 401],
  ["later", async () => stranger(), 401],
  ["by a defect", () => JSON.parse("{"), 500],
  ["by a defect, later", async () => JSON.parse("{"), 500],
])("refuses in the dialect of the path whom it does not let in %s", async (_, admit, status) => {
  await using port = await open(admit);
  const reply = await port.ask();
  expect([reply.status, await reply.json()]).toEqual([
    status,
    { error: expect.objectContaining({ message: expect.any(String) }) },
  ]);
  expect(port.calls).toEqual([]);
});
