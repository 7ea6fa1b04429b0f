import { isIP } from "node:net";
import { delimiter, dirname } from "node:path";
import type { Config } from "../gen/polygate/config/v1/config_pb.js";
import { ms } from "./compile.ts";
import type { Loaded } from "./config/load.ts";
import { portsOf } from "./config/registry.ts";
import { processEnvironment } from "./config/secrets.ts";
import { plainName } from "./core/address.ts";
import { ask } from "./core/ask.ts";
import type { Tools } from "./core/provider.ts";
import { isRegistered, NotServed } from "./core/registered.ts";
import { type Discovering, discovered } from "./follow/discovery.ts";
import { Follower } from "./follow/follower.ts";
import { Registry } from "./follow/registry.ts";
import type { Follow, Told } from "./follow/told.ts";
import { egressOf } from "./net/egress.ts";
import { freePort } from "./net/free.ts";
import type { Dialer } from "./net/send.ts";
import { environmentOf } from "./serve/environment.ts";
import { startProcess } from "./serve/process.ts";
import { type Serving, Supervisor } from "./serve/supervisor.ts";

type Mlflow = NonNullable<Config["mlflow"]>;

const DEFAULTS = { pollMs: 15_000, tag: "model_server_url", connectMs: 5_000, maxConnections: 16, drainMs: 30_000 };
/** What makes a route of a discovered model. */
const DISCOVERED_BY = ["@champion", "Production"];

/** What a config's registry is followed with. */
export interface FollowingParts {
  readonly dialer: Dialer;
  readonly tools: Pick<Tools, "clock">;
  /** Told what the model servers do and write that are started here. */
  readonly served: (server: string, what: { readonly event: string } | { readonly line: string }) => void;
}

/** What follows MLflow's registry over every reload: it keeps the model servers that were started. */
export class Following {
  private readonly parts: FollowingParts;
  private readonly followers = new Set<Follower>();
  private supervisor: Supervisor | undefined = undefined;

  constructor(parts: FollowingParts) {
    this.parts = parts;
  }

  /**
   * Follows what a config names of MLflow's registry; `undefined`: it names nothing there.
   *
   * @param known What was known before.
   */
  follow({ config, models }: Pick<Loaded, "config" | "models">, known?: Told): Follow | undefined {
    const { mlflow } = config;
    const names = [...new Set([...models.keys()].map(({ name }) => name).filter(isRegistered))];
    if (!mlflow?.trackingUri || (names.length === 0 && mlflow.discover.length === 0)) {
      return undefined;
    }
    const { dialer, tools } = this.parts;
    const { origin, pathname } = new URL(mlflow.trackingUri);
    const { connectMs, maxConnections } = DEFAULTS;
    const egress = egressOf(config.egress?.allow ?? [], "file");
    const serving = mlflow.serve === "local" ? servingOf(mlflow) : undefined;
    const registry = new Registry({
      prefix: pathname.replace(/\/+$/, ""),
      headers: ["accept", "application/json", "accept-encoding", "identity", ...credentialOf(mlflow)],
      exchange: dialer.to(origin, { connectMs, maxConnections, egress }),
      clock: tools.clock,
      template: mlflow.modelServerUrl,
      tag: mlflow.urlTag || DEFAULTS.tag,
      refused: refusedBy(config),
      place:
        serving &&
        ((model, version) => {
          // A look may outlive its follower.
          if (!this.followers.has(follower)) throw new NotServed("nobody follows it any more");
          return this.supervising().place(model, version, serving);
        }),
    });
    const discovering: Discovering = {
      globs: mlflow.discover,
      by: mlflow.discoverBy.length > 0 ? mlflow.discoverBy : DISCOVERED_BY,
      taken: new Set(config.routes.map(({ name }) => name)),
    };
    const follower: Follower = new Follower({
      registry,
      names,
      discover:
        mlflow.discover.length > 0 ? async (left) => discovered(await registry.models(), discovering, left) : undefined,
      pollMs: ms(mlflow.pollInterval) ?? DEFAULTS.pollMs,
      clock: tools.clock,
      known,
      used: (versions) => this.supervisor?.keep(serving ? versions : [], drainMsOf(config)),
      stopped: () => {
        this.followers.delete(follower);
        if (this.followers.size === 0) this.supervisor?.keepNone(drainMsOf(config));
      },
    });
    this.followers.add(follower);
    return follower;
  }

  /** Ends every model server that was started here. */
  async close(): Promise<void> {
    await this.supervisor?.close();
  }

  private supervising(): Supervisor {
    const { dialer, tools, served } = this.parts;
    this.supervisor ??= new Supervisor({
      start: startProcess,
      freePort,
      isWell: (port) => isWell(dialer, tools, port),
      clock: tools.clock,
      tell: served,
      changed: () => {
        for (const follower of this.followers) follower.hurry();
      },
    });
    return this.supervisor;
  }
}

/** Why an address written as such is not dialed where a tag names it. What a name resolves to is looked at when it is dialed. */
function refusedBy({ egress }: Config): (url: string) => string | undefined {
  const strangers = egressOf(egress?.allow ?? [], "api");
  return (url) => {
    const { hostname, origin } = new URL(url);
    return isIP(plainName(hostname)) === 0 ? undefined : strangers.refuseOrigin(origin);
  };
}

const HEALTH = ["/ping", "/health"];
const NOTHING = Buffer.alloc(0);

/** Whether a model server answers 200 where one of the usual paths is. */
async function isWell(dialer: Dialer, { clock }: Pick<Tools, "clock">, port: number): Promise<boolean> {
  const { connectMs, maxConnections } = DEFAULTS;
  const exchange = dialer.to(`http://127.0.0.1:${port}`, { connectMs, maxConnections, egress: egressOf([], "file") });
  for (const path of HEALTH) {
    const asked = ask(exchange, { method: "GET", path, headers: [], body: NOTHING }, clock, "the model server");
    const status = await asked.then(
      (answer) => answer.status,
      () => 0,
    );
    if (status !== 404) return status === 200;
  }
  return false;
}

function servingOf(mlflow: Mlflow): Serving {
  const { local, trackingUri, token, username, password } = mlflow;
  const { command = "", args = [], ports = "", maxProcesses, env = [] } = local ?? {};
  // The programs that it starts, such as uvicorn, stand beside it.
  const path = processEnvironment["PATH"] ?? "";
  const own = {
    MLFLOW_TRACKING_URI: trackingUri,
    ...(token !== "" && { MLFLOW_TRACKING_TOKEN: token }),
    ...(username !== "" && { MLFLOW_TRACKING_USERNAME: username, MLFLOW_TRACKING_PASSWORD: password }),
    PATH: command.includes("/") ? `${dirname(command)}${delimiter}${path}` : path,
    // Its lines are read as they are written.
    PYTHONUNBUFFERED: "1",
  };
  return {
    program: (uri, port) => ({
      command: command || "mlflow",
      args: [
        "models",
        "serve",
        "-m",
        uri,
        "--env-manager",
        "local",
        "--host",
        "127.0.0.1",
        "--port",
        String(port),
        ...args,
      ],
      env: environmentOf(processEnvironment, env, own),
    }),
    ports: portsOf(ports),
    startMs: ms(local?.startTimeout) ?? 120_000,
    maxProcesses: maxProcesses ?? 8,
  };
}

const drainMsOf = ({ drainTimeout }: Config): number => ms(drainTimeout) ?? DEFAULTS.drainMs;

function credentialOf({ token, username, password }: Mlflow): readonly string[] {
  if (token !== "") return ["authorization", `Bearer ${token}`];
  if (username === "") return [];
  return ["authorization", `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`];
}
