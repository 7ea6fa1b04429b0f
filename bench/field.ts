import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join, resolve } from "node:path";
import { ask, type Case, type Feature } from "./cases.ts";
import { type GatewayConfig, writeConfig } from "./config.ts";
import { load } from "./load.ts";
import { cpuOf } from "./measure.ts";
import type { Options } from "./options.ts";
import { foreign, type Subject, startBare, startEnvoy, startGateway, startNginx, startUpstream } from "./subjects.ts";

/** Calls before the first round, of the usual number: enough for V8 to compile what is hot. */
const WARM: Readonly<Record<string, number>> = { gateway: 1, versus: 1, bare: 0.5 };
const WARM_OTHERS = 0.1;

/** All that runs during a bench: the upstream, and the subjects in the order of their turns. */
export class Field implements AsyncDisposable {
  readonly subjects: readonly Subject[];
  readonly features: ReadonlySet<Feature>;
  readonly entry: string;
  readonly folder: string;
  readonly config: string;
  readonly upstream: Subject;
  private readonly models: ReadonlyMap<string, string>;

  private constructor(
    subjects: readonly Subject[],
    upstream: Subject,
    { path, features }: GatewayConfig,
    { entry, folder, against }: Opening,
  ) {
    this.subjects = subjects;
    this.upstream = upstream;
    this.features = features;
    this.config = path;
    this.entry = entry;
    this.folder = folder;
    this.models = new Map(against ? [["against", against.model]] : []);
  }

  /** Starts everything that is installed. */
  static async open(opening: Opening): Promise<Field> {
    const { entry, folder, against, versus } = opening;
    const upstream = await startUpstream(opening.upstreamPort);
    const origin = `http://127.0.0.1:${upstream.port}`;
    const config = writeConfig(entry, folder, origin);
    const subjects = [await startBare(origin), await startGateway(entry, config.path, folder)];
    if (versus !== undefined) {
      const second = join(folder, "versus");
      mkdirSync(second);
      const its = writeConfig(resolve(versus), second, origin);
      subjects.push({ ...(await startGateway(resolve(versus), its.path, second)), name: "versus" });
    }
    if (runs("nginx", "-v")) subjects.push(await startNginx("nginx", folder, await freePort(), upstream.port));
    if (runs(opening.envoy, "--version")) {
      subjects.push(await startEnvoy(opening.envoy, folder, await freePort(), upstream.port));
    }
    if (against) subjects.push(foreign(against.url, against.pid));
    return new Field(subjects, upstream, config, opening);
  }

  /** Whether the gateway answers this case as it should; else how it does. */
  async probe(one: Case): Promise<true | string> {
    const { port } = this.subjects.find(({ name }) => name === "gateway")!;
    const { job } = ask(one, true, "chat", 1);
    // Twice: a limit of one call lets the first one through.
    const once = { ...job, port, connections: 1, streams: 1, count: 2, status: 0 };
    try {
      const { status } = await load(once);
      return job.http2 || status === job.status ? true : `answers ${status}`;
    } catch (cause) {
      return cause instanceof Error ? cause.message : String(cause);
    }
  }

  /** Lets a subject answer until it is as fast as it gets. */
  async warm(name: string, one: Case, scale: number): Promise<void> {
    const usual = WARM[name] ?? WARM_OTHERS;
    await this.run(name, one, scale * (one.base === "sse" ? usual / 2 : usual));
  }

  /** CPU microseconds a unit, over one round. */
  async cpu(name: string, one: Case, scale: number): Promise<number> {
    const { used, units } = await this.run(name, one, scale);
    return used / units;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.subjects, this.upstream].map((subject) => subject.stop()));
  }

  private async run(name: string, one: Case, scale: number): Promise<{ used: number; units: number }> {
    const { port, pids } = this.subjects.find((subject) => subject.name === name)!;
    const own = name === "gateway" || name === "versus";
    const { job, units } = ask(one, own, this.models.get(name) ?? "chat", scale);
    const all = pids();
    const before = cpuOf(all);
    try {
      await load({ ...job, port });
    } catch (cause) {
      throw new Error(`${one.id}, ${name}: ${cause instanceof Error ? cause.message : cause}`, { cause });
    }
    return { used: cpuOf(all) - before, units };
  }
}

export interface Opening extends Options {
  readonly entry: string;
  readonly folder: string;
}

function runs(command: string, flag: string): boolean {
  return spawnSync(command, [flag], { stdio: "ignore" }).status === 0;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
