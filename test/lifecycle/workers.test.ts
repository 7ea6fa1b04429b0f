/** Several threads on one port, as one gateway. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect as connectHttp2 } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { defaultWorkers } from "../../src/run-gateway.ts";
import { type Started, startCrew } from "../../src/workers.ts";
import { polygate, startGateway } from "../support/gateway.ts";
import { silentLog } from "../support/log.ts";

const config = (model: string, extra = "") => `
log: { level: silent }
routes:
  - name: chat
    route_type: llm/v1/chat
    model: { provider: simulator, name: ${model} }
${extra}
`;

let folder: string;
let configPath: string;
let started: Started;
let url: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "polygate-"));
  configPath = join(folder, "config.yaml");
  await writeFile(configPath, config("one"));
  started = await startCrew({ configPath, port: 0, log: silentLog() }, 2);
  url = `http://127.0.0.1:${started.ready.port}`;
});
afterAll(async () => {
  await started.close();
  await rm(folder, { recursive: true });
});

const JSON_TYPE = { "content-type": "application/json" };
const BODY = JSON.stringify({ model: "chat", messages: [{ role: "user", content: "hi" }] });

/** One request on a connection of its own, so that the kernel chooses a worker anew. */
async function ask(): Promise<{ status: number; model: string }> {
  const session = connectHttp2(url);
  const request = session.request({ ":method": "POST", ":path": "/v1/chat/completions" });
  request.end(BODY);
  const status = await new Promise<number>((resolve, reject) => {
    request.on("response", (headers) => resolve(Number(headers[":status"])));
    request.on("error", reject);
  });
  let text = "";
  for await (const chunk of request) text += chunk;
  session.close();
  return { status, model: JSON.parse(text).model };
}

async function counted(): Promise<number> {
  const page = await (await fetch(`${url}/metrics`)).text();
  const lines = page
    .split("\n")
    .filter((line) => /^polygate_requests_total\{.*status="200"/.test(line) && line.includes("chat"));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

/** What each thread alone has answered. */
async function answeredByEach(): Promise<number[]> {
  const snapshots = [...started.crew.threads.values()].map((thread) => thread.ask({ kind: "snapshot" }));
  type Metric = { readonly name: string; readonly values: readonly { readonly value: number }[] };
  return ((await Promise.all(snapshots)) as (readonly Metric[])[]).map((all) => {
    const { values } = all.find(({ name }) => name === "polygate_requests_total")!;
    return values.reduce((sum, { value }) => sum + value, 0);
  });
}

it("count together: every request is on the one page, whichever thread is asked", async () => {
  const before = await counted();
  const headers = { ...JSON_TYPE, connection: "close" };
  for (let i = 0; i < 20; i++) {
    expect((await ask()).status).toBe(200);
    expect((await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body: BODY })).status).toBe(200);
  }
  await expect.poll(counted).toBe(before + 40);
  expect(Math.min(...(await answeredByEach()))).toBeGreaterThan(0);
});

it("take a new config together, and none takes a broken one", async () => {
  await writeFile(configPath, config("two"));
  expect(await started.crew.reload()).toBe(true);
  for (let i = 0; i < 20; i++) expect((await ask()).model).toBe("simulator/two");
  await writeFile(configPath, "routes: 7\n");
  expect(await started.crew.reload()).toBe(false);
  for (let i = 0; i < 20; i++) expect((await ask()).model).toBe("simulator/two");
});

it("are started again when one dies, with the config that is in force", async () => {
  const dead = started.crew.threads.get(1)!;
  await dead.terminate();
  await expect.poll(() => started.crew.threads.get(1)?.wasReady, { timeout: 10_000 }).toBe(true);
  expect(started.crew.threads.get(1)).not.toBe(dead);
  for (let i = 0; i < 20; i++) expect(await ask()).toEqual({ status: 200, model: "simulator/two" });
});

it("are started again also when they die as they start", async () => {
  const { threads } = started.crew;
  const first = threads.get(0)!;
  await first.terminate();
  await expect.poll(() => threads.get(0), { interval: 1, timeout: 10_000 }).toBeDefined();
  const second = threads.get(0)!;
  expect(second.wasReady).toBe(false);
  second.ready.catch(() => {});
  await second.terminate();
  await expect.poll(() => threads.get(0)?.wasReady, { timeout: 10_000 }).toBe(true);
  expect(threads.get(0)).not.toBe(second);
  for (let i = 0; i < 20; i++) expect((await ask()).status).toBe(200);
});

it("all have the newest config, also one that was starting when it came", async () => {
  const { threads } = started.crew;
  // Long enough that a worker is started before, while and after the others are asked.
  for (const model of ["three", "four", "five", "six"]) {
    const dead = threads.get(1)!;
    await dead.terminate();
    await writeFile(configPath, config(model));
    for (let live = false; !live; live = threads.get(1)?.wasReady === true && threads.get(1) !== dead) {
      expect(await started.crew.reload()).toBe(true);
    }
    for (let i = 0; i < 20; i++) expect(await ask()).toEqual({ status: 200, model: `simulator/${model}` });
  }
});

it("and the thread above them write no line below log.level", async () => {
  await using gateway = await startGateway(config("one").replace("silent", "error"), { args: ["--workers", "2"] });
  await writeFile(gateway.configPath, config("two").replace("silent", "error"));
  const model = async () => {
    const reply = await fetch(`${gateway.url}/v1/chat/completions`, { method: "POST", headers: JSON_TYPE, body: BODY });
    return ((await reply.json()) as { model: string }).model;
  };
  await expect.poll(model, { timeout: 10_000 }).toBe("simulator/two");
  expect(gateway.log).not.toContain('"level":"info"');
  await writeFile(gateway.configPath, "routes: 7\n");
  await gateway.logged(/"level":"error".*config not loaded/);
});

it("drain together on SIGTERM", async () => {
  await using gateway = await startGateway(config("one"), { args: ["--workers", "2"] });
  expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
  expect(await gateway.stop()).toEqual({ code: 0, signal: null });
});

it("do not share their port with another gateway", async () => {
  const path = join(folder, "other.yaml");
  await writeFile(path, config("one"));
  const port = String(started.ready.port);
  for (const workers of ["1", "2"]) {
    const { code, err } = await polygate(["start", "--config-path", path, "--port", port, "--workers", workers]);
    expect(code).toBe(1);
    expect(err).toContain(`port ${port} on 127.0.0.1 is taken`);
  }
});

it("are one below four cores, and leave one core free above", () => {
  expect([1, 2, 3, 4, 6, 9, 64].map((cores) => defaultWorkers(cores, "linux"))).toEqual([1, 1, 1, 3, 5, 8, 8]);
  expect(defaultWorkers(64, "darwin")).toBe(1);
});
