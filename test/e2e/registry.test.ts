/** Routes that follow a real registry: MLflow's tracking server over SQLite, and two versions of a model that MLflow serves. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, expect, it } from "vitest";
import { PredictionService } from "../../gen/polygate/v1/predictions_pb.js";
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

clientSuite("mlflow", "in front of MLflow's registry", (python) => {
  let folder: string;
  let env: Record<string, string>;
  let registry: ChildProcess;
  let gateway: Gateway;
  let tracking: string;
  const running = new Set<ChildProcess>();
  const urls = { 1: "", 2: "" };

  /** In a group of its own: what it starts ends with it. */
  const start = (...words: string[]) => {
    const child = spawn(python, ["-m", "mlflow", ...words], {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: "ignore",
      detached: true,
    });
    running.add(child);
    return child;
  };
  const end = async (child: ChildProcess) => {
    running.delete(child);
    if (child.exitCode !== null || child.pid === undefined) return;
    const closed = once(child, "close");
    process.kill(-child.pid, "SIGKILL");
    await closed;
  };
  const startRegistry = async () => {
    const port = new URL(tracking).port;
    const store = [
      "--backend-store-uri",
      `sqlite:///${folder}/mlflow.db`,
      "--artifacts-destination",
      `${folder}/artifacts`,
    ];
    registry = start("server", "--host", "127.0.0.1", "--port", port, "--workers", "1", ...store);
    await answers(`${tracking}/health`, registry);
  };
  const tell = async (path: string, body: object) => {
    const sent = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    const reply = await fetch(`${tracking}/api/2.0/mlflow/${path}`, sent);
    expect([path, reply.status]).toEqual([path, 200]);
  };
  const moveTo = (version: 1 | 2, alias = "champion") =>
    tell("registered-models/alias", { name: "sizes", alias, version: String(version) });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "polygate-registry-"));
    tracking = `http://127.0.0.1:${await freePort()}`;
    // Its servers are programs beside its interpreter, found by their names.
    const path = [dirname(python), process.env["PATH"]].join(delimiter);
    env = { PATH: path, MLFLOW_DISABLE_TELEMETRY: "true", MLFLOW_TRACKING_URI: tracking };
    await startRegistry();
    await run(python, [client("registered_models.py"), tracking], { env });
    await Promise.all(
      ([1, 2] as const).map(async (version) => {
        const port = await freePort();
        urls[version] = `http://127.0.0.1:${port}`;
        const where = ["-m", `models:/sizes/${version}`, "-h", "127.0.0.1", "-p", String(port), "--workers", "1"];
        const server = start("models", "serve", ...where, "--env-manager", "local");
        const tag = { name: "sizes", version: String(version), key: "model_server_url", value: urls[version] };
        await tell("model-versions/set-tag", tag);
        await answers(`${urls[version]}/ping`, server);
      }),
    );
    await moveTo(1);
    await moveTo(2, "challenger");
    // Several follow by themselves, each within the interval: with one, what came after what is known.
    gateway = await startGateway(
      `
egress: { allow: [127.0.0.1] }
mlflow: { tracking_uri: "${tracking}", poll_interval: 0.2 }
routes:
  - { name: sizes, route_type: mlflow/v1/predictions, model: { provider: mlflow-model-serving, name: "models:/sizes@champion" } }
  - { name: first, route_type: mlflow/v1/predictions, model: { provider: mlflow-model-serving, name: "models:/sizes/1" } }
  - name: canary
    route_type: mlflow/v1/predictions
    targets:
      - { weight: 90, model: { provider: mlflow-model-serving, name: "models:/sizes@champion" } }
      - { weight: 10, model: { provider: mlflow-model-serving, name: "models:/sizes@challenger" } }
gateway_routes:
  - { path: /models/sizes, name: by-path, model_name: sizes, model_version: champion, rate_limit: 1000req/min }
`,
      { args: ["--workers", "1"] },
    );
  }, PATIENCE_MS);
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await Promise.all([...running].map(end));
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  const post = async (url: string, body: string, type = "application/json") => {
    const reply = await fetch(url, { method: "POST", headers: { "content-type": type }, body });
    return { status: reply.status, text: await reply.text() };
  };
  /** The version that answers; it throws for another answer than one of theirs. */
  const version = async (route = "sizes"): Promise<1 | 2> => {
    const { status, text } = await post(`${gateway.url}/predict/${route}`, JSON.stringify(ROWS));
    if (status !== 200) throw new Error(`${status} ${text}`);
    const given = (JSON.parse(text) as { predictions: number[] }).predictions.map((one) => Math.round(one * 1e6) / 1e6);
    const found = ([1, 2] as const).find((one) => JSON.stringify(GIVES[one]) === JSON.stringify(given));
    if (found === undefined) throw new Error(text);
    return found;
  };
  /** Asks from four sides until the last 20 answers are of one version; gives all in the order in which they came. */
  const load = async (wanted: 1 | 2, change: () => Promise<void>) => {
    const seen: (1 | 2)[] = [];
    let changed = false;
    const done = () => changed && seen.length > 40 && seen.slice(-20).every((one) => one === wanted);
    const side = async () => {
      while (!done()) seen.push(await version());
    };
    const sides = Array.from({ length: 4 }, side);
    await change();
    changed = true;
    await Promise.all(sides);
    return seen;
  };

  it.each([
    ["application/json", JSON.stringify(ROWS)],
    ["application/json", '{"dataframe_records": [{"width": 2.5, "height": 1}]}'],
    ["application/json", '{"inputs": {"width": [2.5, 4], "height": [1, 4.0]}}'],
    ["text/csv", "width,height\n2.5,1.0\n4.0,4.0\n"],
  ])("answers %s byte for byte as the model server does: %s", async (type, body) => {
    const own = await post(`${urls[1]}/invocations`, body, type);
    expect(own.status).toBe(200);
    expect(await post(`${gateway.url}/predict/sizes`, body, type)).toEqual(own);
  });

  it("answers a table over gRPC with a tensor", async () => {
    const { predict } = createClient(PredictionService, createGrpcTransport({ baseUrl: gateway.url }));
    const column = (name: string, ...values: number[]) => ({
      name,
      values: { values: { case: "doubles" as const, value: { values } } },
    });
    const columns = [column("width", 3, 4), column("height", 1, 4)];
    const { predictions, served } = await predict({ model: "sizes", input: { case: "table", value: { columns } } });
    expect(predictions).toMatchObject({ case: "tensor", value: { shape: [2], values: { case: "doubles" } } });
    expect(served).toMatchObject({ model: "models:/sizes/1" });
  });

  it("refuses what the signature does not have, by the column, before the model server is asked", async () => {
    const { status, text } = await post(`${gateway.url}/predict/sizes`, '{"dataframe_records": [{"width": 1}]}');
    expect([status, JSON.parse(text)]).toEqual([
      400,
      {
        error_code: "BAD_REQUEST",
        message: 'dataframe_records[0]: the column "height" (double) is missing; the model\'s signature needs it',
      },
    ]);
  });

  it("answers at the path of gateway_routes", async () => {
    const usual = await post(`${gateway.url}/predict/sizes`, JSON.stringify(ROWS));
    expect(usual.status).toBe(200);
    expect(await post(`${gateway.url}/models/sizes`, JSON.stringify(ROWS))).toEqual(usual);
    expect(await post(`${gateway.url}/predict/by-path`, JSON.stringify(ROWS))).toEqual(usual);
  });

  it("gives a canary its share, and none once its alias was moved back, without a lost request", async () => {
    const calls = async (times: number) => {
      const seen: (1 | 2)[] = [];
      const side = async () => {
        for (let call = 0; call < times / 4; call++) seen.push(await version("canary"));
      };
      await Promise.all(Array.from({ length: 4 }, side));
      return seen.filter((one) => one === 2).length;
    };
    // Of 200 calls 20 on the average; outside of this one time in a million.
    const share = await calls(200);
    expect(share).toBeGreaterThan(2);
    expect(share).toBeLessThan(45);
    await Promise.all([calls(100), moveTo(1, "challenger")]);
    await gateway.logged(/models:\/sizes@challenger moved from version 2 to 1/);
    await version("canary");
    expect(await calls(100)).toBe(0);
  });

  it("follows the alias under load and back without a lost request, and says so", async () => {
    expect(await version()).toBe(1);
    const there = await load(2, () => moveTo(2));
    // Four ask at a time, so that three answers of the old version may come after the first of the new.
    expect(there.slice(there.indexOf(2)).filter((one) => one === 1).length).toBeLessThan(4);
    await gateway.logged(/models:\/sizes@champion moved from version 1 to 2/);
    expect(await version("first")).toBe(1);
    const back = await load(1, () => moveTo(1));
    expect(back.at(-1)).toBe(1);
    await gateway.logged(/models:\/sizes@champion moved from version 2 to 1/);
  });

  it("serves on while the registry is stopped, and follows again when it is back", async () => {
    const readiness = async () => {
      const reply = await fetch(`${gateway.url}/readyz`);
      return { code: reply.status, ...((await reply.json()) as object) };
    };
    const until = async (wanted: object) => {
      while (JSON.stringify(await readiness()) !== JSON.stringify(wanted)) await delay(50);
    };
    const down = { code: 200, status: "degraded", degraded: ["mlflow registry"] };
    const seen = await load(1, async () => {
      await end(registry);
      await until(down);
    });
    expect(new Set(seen)).toEqual(new Set([1]));
    await startRegistry();
    await until({ code: 200, status: "ready" });
    expect(new Set((await load(2, () => moveTo(2))).slice(-20))).toEqual(new Set([2]));
  });
});
