/** `serve: local` with the real thing: MLflow's registry over SQLite, and `mlflow models serve` processes that the gateway starts. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { answers, freePort } from "./servers.ts";
import { client, clientSuite, PATIENCE_MS, run } from "./tools.ts";

const ROWS = {
  dataframe_split: {
    columns: ["height", "width"],
    data: [
      [1, 2.5],
      [4, 4],
    ],
  },
};
/** What each version gives for them, rounded: the model is fitted. */
const GIVES = { 1: [3.5, 8], 2: [35, 80] } as const;
type Version = keyof typeof GIVES;

clientSuite("mlflow", "with models that the gateway serves itself", (python) => {
  let folder: string;
  let registry: ChildProcess;
  let gateway: Gateway;
  let tracking: string;

  const moveTo = async (version: Version) => {
    const body = JSON.stringify({ name: "sizes", alias: "champion", version: String(version) });
    const sent = { method: "POST", headers: { "content-type": "application/json" }, body };
    expect((await fetch(`${tracking}/api/2.0/mlflow/registered-models/alias`, sent)).status).toBe(200);
  };

  const ask = async () => {
    const headers = { "content-type": "application/json", connection: "close" };
    const reply = await fetch(`${gateway.url}/predict/sizes`, { method: "POST", headers, body: JSON.stringify(ROWS) });
    return { status: reply.status, text: await reply.text() };
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "polygate-local-"));
    const port = await freePort();
    tracking = `http://127.0.0.1:${port}`;
    const path = [dirname(python), process.env["PATH"]].join(delimiter);
    const env = { PATH: path, MLFLOW_DISABLE_TELEMETRY: "true" };
    const store = [
      "--backend-store-uri",
      `sqlite:///${folder}/mlflow.db`,
      "--artifacts-destination",
      `${folder}/artifacts`,
    ];
    const words = ["-m", "mlflow", "server", "--host", "127.0.0.1", "--port", String(port), "--workers", "1", ...store];
    // In a group of its own: what it starts ends with it.
    registry = spawn(python, words, { cwd: folder, env: { ...process.env, ...env }, stdio: "ignore", detached: true });
    await answers(`${tracking}/health`, registry);
    await run(python, [client("registered_models.py"), tracking], { env });
    await moveTo(1);
    gateway = await startGateway(
      `
admin: { port: 0 }
mlflow:
  tracking_uri: "${tracking}"
  poll_interval: 0.2
  serve: local
  local: { command: "${join(dirname(python), "mlflow")}", ports: 24000-24099 }
  discover: ["s*"]
routes: []
`,
      { args: ["--workers", "2"], env: { MLFLOW_DISABLE_TELEMETRY: "true" } },
    );
    await gateway.logged(/"server":"sizes\/1","what":"answers at port/);
    while ((await ask()).status !== 200) await delay(50);
  }, PATIENCE_MS);
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    if (registry?.pid !== undefined && registry.exitCode === null) {
      process.kill(-registry.pid, "SIGKILL");
      await once(registry, "close");
    }
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  /** The version that answers; it throws for another answer than one of theirs. */
  const version = async (): Promise<Version> => {
    const { status, text } = await ask();
    if (status !== 200) throw new Error(`${status} ${text}`);
    const given = (JSON.parse(text) as { predictions: number[] }).predictions.map((one) => Math.round(one * 1e6) / 1e6);
    const found = ([1, 2] as const).find((one) => JSON.stringify(GIVES[one]) === JSON.stringify(given));
    if (found === undefined) throw new Error(text);
    return found;
  };
  /** Every process that serves a version, by its command's words, but for the guard that watches over it. */
  const serving = async (which: Version) => {
    const list = await run("ps", ["-eo", "pid,args"]);
    const lines = list
      .split("\n")
      .filter((line) => line.includes(`models:/sizes/${which}`) && !line.includes("/bin/sh"));
    return lines.map((line) => Number(line.trim().split(" ", 1)[0]));
  };
  const readiness = async () => {
    const admin = /admin: +(http:\S+)/.exec(gateway.log)![1];
    return (await fetch(`${admin}/readyz`)).json();
  };

  it("follows the alias under load without a lost request, and ends the version that is served no more", async () => {
    expect(await version()).toBe(1);
    const seen: Version[] = [];
    const done = () => seen.length > 20 && seen.slice(-20).every((one) => one === 2);
    const sides = Array.from({ length: 4 }, async () => {
      while (!done()) seen.push(await version());
    });
    await moveTo(2);
    await Promise.all(sides);
    expect(seen.slice(seen.indexOf(2)).filter((one) => one === 1).length).toBeLessThan(4);
    while ((await serving(1)).length > 0) await delay(100);
    expect(await serving(2)).toHaveLength(1);
    await gateway.logged(/"server":"sizes\/1","line":"[^"]*Finished server process/);
  });

  it("starts a server again that was killed; the admin port says so in the meantime", async () => {
    const [first] = await serving(2);
    process.kill(first!, "SIGKILL");
    while (JSON.stringify(await readiness()) === '{"status":"ready"}') await delay(20);
    expect(await readiness()).toEqual({
      status: "degraded",
      degraded: ["models:/sizes@champion: its server is started again"],
    });
    while ((await ask()).status !== 200) await delay(50);
    expect(await version()).toBe(2);
    expect(await serving(2)).not.toContain(first);
    await expect.poll(readiness).toEqual({ status: "ready" });
  });

  it("leaves no process behind when it is stopped", async () => {
    expect(await gateway.stop()).toMatchObject({ code: 0 });
    expect(await serving(2)).toEqual([]);
  });
});
