import { readFile } from "node:fs/promises";
import type { LookupFunction } from "node:net";
import { dirname, resolve } from "node:path";
import type { Config } from "../gen/polygate/config/v1/config_pb.js";
import { LogLevel } from "../gen/polygate/config/v1/config_pb.js";
import { authorityOf } from "./authority.ts";
import { ms } from "./compile.ts";
import type { Source } from "./config/load.ts";
import type { Problem } from "./config/problems.ts";
import { isLoopback } from "./core/address.ts";
import type { AdminApi } from "./core/admin.ts";
import type { Seen } from "./core/protocol.ts";
import type { Counters } from "./core/store.ts";
import type { KeyRing, Stored } from "./core/stored.ts";
import type { Follow } from "./follow/told.ts";
import { Following } from "./following.ts";
import { realTools, serve } from "./gateway.ts";
import { Keeping } from "./keeping.ts";
import { Ring } from "./keyring.ts";
import { LISTEN_DEFAULTS, type Listening, type TlsFiles } from "./net/listen.ts";
import { Dialer } from "./net/send.ts";
import { type AdminParts, adminMounts } from "./observe/admin.ts";
import type { Draining } from "./observe/drain.ts";
import { createLog, type Log } from "./observe/log.ts";
import { createMetrics, type Snapshot } from "./observe/metrics.ts";
import { createObserver, type Observer } from "./observe/observer.ts";
import { loadStore } from "./registry.ts";
import { type LiveSite, openSite, type SiteParts } from "./site.ts";
import type { StageFailed } from "./staged.ts";

/** Callers whose calls are counted at a time, for each route with a limit; about 15 MB when all are. */
const MAX_COUNTERS = 65_536;

/** What a gateway is started with; each wins over the config file. */
export interface StartOptions {
  /** Path of the config file. */
  readonly configPath: string;
  readonly host?: string | undefined;
  /** 0: any free one. */
  readonly port?: number | undefined;
  /** `none`: everybody may call, on whatever host; not with a file that has `auth`. */
  readonly auth?: "none" | undefined;
  /** Where the log goes; default: standard output, a JSON object a line. */
  readonly log?: Log | undefined;
  /** Names to addresses, in place of the system's resolver. */
  readonly resolve?: LookupFunction | undefined;
  /** Uniform in [0, 1), in place of the system's chance. */
  readonly random?: (() => number) | undefined;
  /** Folder of the store where the config does not name it; default: the config file's. */
  readonly storeFolder?: string | undefined;
  /** Told the first admin's key when one is made; shown once. Default: nobody is. */
  readonly madeKey?: ((secret: string) => void) | undefined;
  /** Set in a thread that shares its port with others. */
  readonly crew?: CrewMember | undefined;
}

/** What a thread has from the others. */
export interface CrewMember {
  readonly source: () => Source;
  /** Absolute paths of the files that the crew has read. */
  readonly known: readonly string[];
  readonly counters: Counters;
  /** What the main thread learns of MLflow's registry; `undefined`: the config names nothing there. */
  readonly follow?: () => Follow | undefined;
  readonly stored?: (() => Stored | undefined) | undefined;
  readonly keys?: KeyRing | undefined;
  readonly stageFailed?: ((failed: StageFailed) => void) | undefined;
  readonly admin?: AdminApi | undefined;
  /** The metrics of all threads as one page. */
  readonly page: () => Promise<string>;
}

/** A gateway that answers. */
export interface Gateway extends Draining {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  /** Host and port of the admin listener as in a URL, when the config asks for one. */
  readonly admin: string | undefined;
  readonly live: LiveSite;
  readonly warnings: readonly Problem[];
  /** Its metrics as data, for a page of several threads. */
  readonly snapshot: () => Promise<Snapshot>;
}

/** The config file has problems; nothing was started. */
export class ConfigProblems extends Error {
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    super(`the config file has ${problems.length} problem${problems.length === 1 ? "" : "s"}`);
    this.name = "ConfigProblems";
    this.problems = problems;
  }
}

/** Loads the config, compiles it and opens the ports. Throws `ConfigProblems`, or the system's error, such as EADDRINUSE. */
export async function startGateway(options: StartOptions): Promise<Gateway> {
  const log = options.log ?? createLog();
  const { crew } = options;
  const metrics = createMetrics({ droppedLines: () => log.dropped });
  const observer = createObserver({ log, metrics });
  const dialer = new Dialer(options.resolve);
  const following = crew ? undefined : new Following({ dialer, tools: realTools, served: observer.served });
  const ring = new Ring();
  const built = {
    dialer,
    tools: options.random ? { ...realTools, random: options.random } : realTools,
    counters: crew?.counters ?? (await loadStore("memory")).openCounters!(realTools.clock, MAX_COUNTERS),
    keys: crew?.keys ?? ring,
    hooks: [observer.hooks],
    stageFailed: crew?.stageFailed ?? ((failed: StageFailed) => void keeping?.keeper?.stageFailed(failed)),
  };
  const { configPath, storeFolder, madeKey = () => {} } = options;
  const keeping = crew
    ? undefined
    : new Keeping({ configPath, storeFolder, tools: built.tools, build: built, log, metrics, madeKey });
  const parts: SiteParts = {
    ...built,
    stored: crew?.stored ?? keeping?.stored,
    ready: keeping?.ready,
    leaveOut: keeping?.leaveOut,
    troubles: keeping?.troubles,
    source: crew?.source ?? (() => options.configPath),
    watched: crew === undefined,
    known: crew?.known,
    serving: { host: options.host, auth: options.auth },
    reloaded: observer.reloaded,
    ...(crew?.follow && { follow: crew.follow }),
    ...(following && { follow: following.follow.bind(following) }),
    // Of a crew, the main thread tells it for all.
    followed: crew ? () => {} : observer.followed,
    secrets: (values: readonly string[]) => log.redactValues(values),
    watchFailed: (error: unknown) => log.warn({ cause: String(error) }, "the config file cannot be watched"),
  };
  const { loaded, live } = await openSite(parts).catch(async (thrown: unknown) => {
    await keeping?.close();
    throw thrown;
  });
  if (live === undefined) {
    await keeping?.close();
    throw new ConfigProblems(loaded.problems);
  }
  const { config } = loaded;
  log.level = levelOf(config);
  const opened: Listening[] = [];
  const close = async (): Promise<void> => {
    await keeping?.close();
    await live.close();
    for (const port of opened) port.cut();
    await following?.close();
    await dialer.close();
  };
  try {
    const keeper = keeping?.keeper;
    if (keeping && keeper) {
      ring.replace(await keeping.ring());
      keeper.follow({ live, restore: () => live.restore(), ring: (state) => ring.replace(keeping.with(state)) });
    }
    const api = crew?.admin ?? keeper?.api;
    const host = options.host ?? (config.listen?.host || "127.0.0.1");
    const tls = await tlsOf(config, options.configPath);
    const pages = crew ? { text: crew.page, contentType: metrics.contentType } : metrics;
    const admin = adminMounts({
      metrics: pages,
      live,
      full: config.admin === undefined && isLoopback(host),
      metricsFor: "metrics.read",
    });
    const settings = {
      host,
      port: options.port ?? config.listen?.port ?? 5000,
      tls,
      reusePort: crew !== undefined,
      ...boundsOf(config.listen),
    };
    const keeps = config.store !== undefined && config.store.kind !== "none";
    const maxCalls = config.listen?.maxCalls ?? 4096;
    const main = await serve({ live, observer, mounts: admin, settings, maxCalls, admin: api, keeps });
    opened.push(main);
    const operators = { live, observer, metrics: pages, admin: api };
    const second = config.admin && crew === undefined ? await serveAdmin(config.admin, operators) : undefined;
    if (second) opened.push(second);
    // Of a crew, the main thread tells it for all.
    if (crew) metrics.loaded(true, 1);
    else observer.reloaded(true, 1, []);
    return {
      host,
      port: main.port,
      secure: tls !== undefined,
      admin: second && authorityOf(config.admin!.host, second.port),
      live,
      warnings: loaded.warnings,
      snapshot: metrics.snapshot,
      drainMs: ms(config.drainTimeout) ?? 30_000,
      stop: () => live.stop(),
      // The admin port answers to the end: whoever asks should see that the gateway is stopping.
      drain: () => main.drain(),
      stopCalls: () => main.stopCalls(),
      close,
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/** What the operators' port serves. */
export interface Operators {
  readonly live: LiveSite;
  readonly observer: Observer;
  readonly metrics: AdminParts["metrics"];
  readonly admin: AdminApi | undefined;
}

/** Opens the operators' port: the admin API, and what monitoring asks for, which leaves no trace. */
export function serveAdmin(port: NonNullable<Config["admin"]>, operators: Operators): Promise<Listening> {
  const { live, metrics, admin } = operators;
  const isCall = ({ protocol }: Seen) => protocol !== "";
  const observer: Observer = {
    ...operators.observer,
    began: () => {},
    finished(seen) {
      if (!isCall(seen)) return;
      operators.observer.began(seen);
      operators.observer.finished(seen);
    },
  };
  const mounts = adminMounts({ metrics, live, full: true, metricsFor: "open" });
  const settings = { host: port.host || "127.0.0.1", port: port.port ?? 5001, tls: undefined };
  return serve({ live, observer, mounts, settings, admin, operators: true });
}

/** What the main port puts up with. */
export function boundsOf(listen: Config["listen"]): typeof LISTEN_DEFAULTS {
  const given = {
    headTimeoutMs: ms(listen?.headTimeout),
    requestTimeoutMs: ms(listen?.requestTimeout),
    idleTimeoutMs: ms(listen?.idleTimeout),
    stallTimeoutMs: ms(listen?.stallTimeout),
    maxConnections: listen?.maxConnections,
    maxHeaderBytes: listen?.maxHeaderBytes,
    maxHeaders: listen?.maxHeaders,
    maxConcurrentStreams: listen?.maxConcurrentStreams,
    maxBufferedBytes: listen?.maxBufferedBytes,
  };
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...LISTEN_DEFAULTS, ...Object.fromEntries(set) };
}

async function tlsOf({ listen: settings }: Config, configPath: string): Promise<TlsFiles | undefined> {
  const tls = settings?.tls;
  if (tls === undefined) return undefined;
  const read = (path: string) => readFile(resolve(dirname(configPath), path), "utf8");
  const [cert, key, clientCa] = await Promise.all([
    read(tls.certFile),
    read(tls.keyFile),
    tls.clientCaFile === "" ? undefined : read(tls.clientCaFile),
  ]);
  return { cert, key, clientCa };
}

/** The least serious lines that the config wants, `info` when it says nothing. */
export function levelOf({ log }: Config): string {
  const level = log?.level ?? LogLevel.UNSPECIFIED;
  return level === LogLevel.UNSPECIFIED ? "info" : LogLevel[level].toLowerCase();
}
