/** Versions that the gateway itself serves, by a command that stands in for MLflow's, after a registry whose answers are scripted. */

import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { json as jsonAnswer } from "../support/canned.ts";
import { type Exchange, type FakeUpstream, fakeUpstream, type Script } from "../support/fake-upstream.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";

const COMMAND = fileURLToPath(new URL("../support/fake-mlflow.ts", import.meta.url));

let registry: FakeUpstream;
/** The version of each alias. */
let aliases: Record<string, string>;
let gateway: Gateway | undefined;

beforeEach(async () => {
  aliases = { champion: "1" };
  registry = await fakeUpstream();
  registry.always(answer);
});
afterEach(async () => {
  await gateway?.[Symbol.asyncDispose]();
  gateway = undefined;
  await registry.close();
});

function answer({ url }: Exchange): Script {
  const { pathname, searchParams: query } = new URL(url, "http://registry");
  const alias = query.get("alias");
  if (pathname.endsWith("/get-artifact")) return { status: 404, body: ["{}"] };
  const version = alias === null ? query.get("version")! : aliases[alias];
  if (version === undefined) return jsonAnswer({ error_code: "RESOURCE_DOES_NOT_EXIST", message: "no alias" }, 404);
  return jsonAnswer({ model_version: { name: query.get("name"), version, tags: [] } });
}

const config = (more = "", routes = "") => `
mlflow:
  tracking_uri: "${registry.url}"
  poll_interval: 0.1
  serve: local
  local: { command: "${COMMAND}"${more} }
routes:
  - { name: iris, route_type: mlflow/v1/predictions, model: { provider: mlflow-model-serving, name: "models:/iris@champion" } }
${routes}`;

interface Said {
  readonly status: number;
  readonly version?: number;
  readonly pid: number;
  readonly environment: readonly string[];
}
async function ask(input = "", route = "iris"): Promise<Said> {
  const sent = { method: "POST", headers: { "content-type": "application/json", connection: "close" } };
  const body = JSON.stringify({ inputs: [input] });
  const reply = await fetch(`${gateway!.url}/predict/${route}`, { ...sent, body });
  const json = (await reply.json()) as Said & { predictions?: number[] };
  return { ...json, status: reply.status, ...(json.predictions && { version: json.predictions[0]! }) };
}
const readiness = async () => (await fetch(`${gateway!.url}/readyz`)).json();
/** Waits until it is so; each look takes a round trip. */
async function until<T>(look: () => Promise<T>, wanted: (seen: T) => boolean): Promise<T> {
  for (;;) {
    const seen = await look();
    if (wanted(seen)) return seen;
    await delay(20);
  }
}
const answeredBy = (version: number, route?: string) =>
  until(
    () => ask("", route),
    (said) => said.version === version,
  );
const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
const gone = (pid: number) =>
  until(
    async () => isAlive(pid),
    (alive) => !alive,
  );

it.each([1, 2])(
  "a version is started, followed by the next and ended, with %i workers",
  { timeout: 30_000 },
  async (workers) => {
    gateway = await startGateway(config(), { args: ["--workers", String(workers)], env: { SECRET_OF_OURS: "s" } });
    const first = await answeredBy(1);
    expect(await readiness()).toEqual({ status: "ready" });
    expect(first.environment).toEqual(expect.arrayContaining(["PATH", "MLFLOW_TRACKING_URI"]));
    expect(first.environment).not.toContain("SECRET_OF_OURS");
    const slow = ask("hold");
    const seen: Said[] = [];
    let moved = false;
    const sides = Array.from({ length: 3 }, async () => {
      while (!moved) seen.push(await ask());
    });
    aliases["champion"] = "2";
    const second = await answeredBy(2);
    moved = true;
    await Promise.all(sides);
    // Nothing is lost on the way, and one process served each version, whatever worker was asked.
    expect(new Set(seen.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(seen.map(({ pid }) => pid)).size).toBeLessThanOrEqual(2);
    // A call that is under way when its version ends is answered all the same.
    expect(await slow).toMatchObject({ status: 200, version: 1, pid: first.pid });
    await gateway.logged(/"server":"iris\/1","line":"stopping"/);
    await gone(first.pid);
    const { code } = await gateway.stop();
    expect([code, isAlive(second.pid)]).toEqual([0, false]);
  },
);

it("a server that ends is started again, and readiness says so in the meantime", async () => {
  gateway = await startGateway(config(", ports: 23100-23199"));
  const first = await answeredBy(1);
  expect((await ask("die")).status).toBeGreaterThan(500);
  await until(readiness, (seen) => JSON.stringify(seen).includes("degraded"));
  expect(await readiness()).toEqual({
    status: "degraded",
    degraded: ["models:/iris@champion: its server is started again"],
  });
  expect((await ask()).status).toBe(503);
  const second = await answeredBy(1);
  expect(second.pid).not.toBe(first.pid);
  await until(readiness, (seen) => JSON.stringify(seen) === '{"status":"ready"}');
  expect(gateway.log).toMatch(/"server":"iris\/1","what":"ended with exit code 7; it is started again in 500 ms"/);
  expect(gateway.log).toMatch(/"what":"answers at port 231\d\d after \d+ ms"/);
});

it("a request whose body comes slowly is answered by what is served when it is here", async () => {
  gateway = await startGateway(config());
  const first = await answeredBy(1);
  const rest = Promise.withResolvers<void>();
  const body = new ReadableStream({
    async start(controller) {
      controller.enqueue(Buffer.from('{"inputs": '));
      await rest.promise;
      controller.enqueue(Buffer.from("[1]}"));
      controller.close();
    },
  });
  const sent = { method: "POST", headers: { "content-type": "application/json" }, body, duplex: "half" as const };
  const slow = fetch(`${gateway.url}/predict/iris`, sent);
  aliases["champion"] = "2";
  await gone(first.pid);
  rest.resolve();
  expect(await (await slow).json()).toMatchObject({ predictions: [2] });
});

it("a version that does not start leaves the old one in its place, and says why", async () => {
  gateway = await startGateway(config());
  await answeredBy(1);
  aliases["champion"] = "9";
  await gateway.logged(/models:\/iris@champion: the server of version 9 ended with exit code 1 before it answered/);
  await gateway.logged(/"server":"iris\/9","line":"the model cannot be loaded"/);
  expect(await readiness()).toEqual({
    status: "degraded",
    degraded: ["models:/iris@champion: its server is started again"],
  });
  expect((await ask()).version).toBe(1);
});

it("there are no more processes than the config allows", async () => {
  const second =
    '  - { name: other, route_type: mlflow/v1/predictions, model: { provider: mlflow-model-serving, name: "models:/iris/3" } }';
  gateway = await startGateway(config(", max_processes: 1", second));
  await gateway.logged(/1 model servers run, and mlflow.local.max_processes allows no more/);
});

it("nothing is left of them when the gateway is killed", async () => {
  gateway = await startGateway(config());
  const { pid } = await answeredBy(1);
  gateway.process.kill("SIGKILL");
  await gone(pid);
});
