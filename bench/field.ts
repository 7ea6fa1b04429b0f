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

/**
 * Calls before the first round, of the usual number of a round. V8 compiles what is hot in steps, and a call of the gateway
 * costs twice as much as in the end until about the ten thousandth.
 */
const WARM: Readonly<Record<string, number>> = { gateway: 4, versus: 4, bare: 3 };
/** A round of large ones has a third of the calls. */
const WARM_LARGE = 3;
const WARM_OTHERS = 0.1;

/** All that runs during a bench: the upstream, and the subjects in the order of their turns. */
export class Field implements AsyncDisposable {
  readonly subjects: readonly Subject[];
  readonly features: ReadonlySet<Feature>;
  readonly entry: string;
  readonly folder: string;
  readonly config: string;
  readonly upstream: Subject;
  private readonly warmed = new Set<string>();
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
    for (const { name, port } of this.subjects.filter((subject) => isOwn(subject.name))) {
      const works = await this.answers(one, port);
      if (works !== true) return name === "gateway" ? works : `${name}: ${works}`;
    }
    return true;
  }

  private async answers(one: Case, port: number): Promise<true | string> {
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

  /** Lets a subject answer until it is as fast as it gets; once for each question. */
  async warm(name: string, one: Case): Promise<void> {
    const own = isOwn(name);
    const done = `${name} ${own ? one.question : one.base}`;
    if (this.warmed.has(done)) return;
    this.warmed.add(done);
    const usual = (WARM[name] ?? WARM_OTHERS) * (one.base === "large" ? WARM_LARGE : 1);
    // Streams are slow by their own pace, and each has many chunks.
    await this.run(name, one, one.base === "sse" ? Math.min(usual, 1) : usual);
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
    const own = isOwn(name);
    const { job, units } = ask(one, own, this.models.get(name) ?? "chat", scale);
    const all = pids();
    const before = cpuOf(all);
    try {
      await load({ ...job, port });
    } catch (cause) {
      throw new Error(`${one.id}, ${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
    return { used: cpuOf(all) - before, units };
  }
}

/** Whether it is a build of this gateway, which is asked in its own protocols. */
function isOwn(name: string): boolean {
  return name === "gateway" || name === "versus";
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
