import { expect, it } from "vitest";
import { openDoor, siteOf } from "../../test/support/door.ts";
import { adminMounts } from "./admin.ts";
import { createMetrics } from "./metrics.ts";

const metrics = createMetrics({ process: false });
const open = (full: boolean, page: Parameters<typeof adminMounts>[0]["metrics"] = metrics) =>
  openDoor(siteOf([]), (door) => adminMounts({ metrics: page, live: door, full, metricsFor: "metrics.read" }));

it("is alive and ready, and says when it is stopping", async () => {
  await using port = await open(false);
  const ask = async (path: string, method = "GET") => {
    const answer = await fetch(port.url + path, { method });
    return [answer.status, await answer.text()];
  };
  expect(await ask("/livez")).toEqual([200, '{"status":"alive"}']);
  expect(await ask("/readyz")).toEqual([200, '{"status":"ready"}']);
  expect(await ask("/readyz", "HEAD")).toEqual([200, ""]);
  port.door.stopping = true;
  expect(await ask("/livez")).toEqual([200, '{"status":"alive"}']);
  expect(await ask("/readyz")).toEqual([503, '{"status":"stopping"}']);
  expect(await ask("/readyz", "HEAD")).toEqual([503, ""]);
});

it("has the metrics in Prometheus's form where they are wanted, and nowhere else", async () => {
  await using full = await open(true);
  const answer = await fetch(`${full.url}/metrics`);
  expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(await answer.text()).toMatch(/^polygate_requests_in_flight 0$/m);
  await using part = await open(false);
  expect((await fetch(`${part.url}/metrics`)).status).toBe(404);
});

it("says so when the metrics cannot be read", async () => {
  await using port = await open(true, { contentType: "text/plain", text: () => Promise.reject(new Error("no")) });
  expect((await fetch(`${port.url}/metrics`)).status).toBe(500);
});

it("refuses other methods and paths in plain words", async () => {
  await using port = await open(true);
  const answer = await fetch(`${port.url}/livez`, { method: "POST" });
  expect([answer.status, await answer.text()]).toEqual([405, "/livez takes GET, HEAD, not POST.\n"]);
  expect((await fetch(`${port.url}/elsewhere`)).status).toBe(404);
});
