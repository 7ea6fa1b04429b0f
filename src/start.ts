import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { Config } from "../gen/polygate/config/v1/config_pb.js";
import { LogLevel } from "../gen/polygate/config/v1/config_pb.js";
import { ms } from "./compile.ts";
import type { Problem } from "./config/problems.ts";
import { hostOf, realTools, type Served, serve } from "./gateway.ts";
import { LISTEN_DEFAULTS, type Listening, listen, type TlsFiles } from "./net/listen.ts";
import { Router } from "./net/router.ts";
import { Dialer } from "./net/send.ts";
import { adminMounts } from "./observe/admin.ts";
import { createLog, type Log } from "./observe/log.ts";
import { createMetrics } from "./observe/metrics.ts";
import { createObserver } from "./observe/observer.ts";
import { type LiveSite, openSite } from "./site.ts";

/** What a gateway is started with; each wins over the config file. */
export interface StartOptions {
  /** Path of the config file. */
  readonly configPath: string;
  readonly host?: string | undefined;
  /** 0: any free one. */
  readonly port?: number | undefined;
  /** Where the log goes; default: standard output, a JSON object a line. */
  readonly log?: Log | undefined;
}

/** A gateway that answers. */
export interface Gateway {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  /** Port of the admin listener, when the config asks for one. */
  readonly adminPort: number | undefined;
  readonly live: LiveSite;
  readonly warnings: readonly Problem[];
  /** How long calls may go on after `stop`. */
  readonly drainMs: number;
  /** The open ports, the main one first. */
  readonly listening: readonly [Served, ...Listening[]];
  /** Cuts what is still open and lets go of everything. */
  close(): Promise<void>;
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
  const metrics = createMetrics();
  const observer = createObserver({ log, metrics });
  const dialer = new Dialer();
  const parts = {
    path: options.configPath,
    dialer,
    tools: realTools,
    hooks: [observer.hooks],
    reloaded: observer.reloaded,
  };
  const { loaded, live } = await openSite(parts);
  if (live === undefined) throw new ConfigProblems(loaded.problems);
  const { config } = loaded;
  log.level = levelOf(config);
  const opened: Listening[] = [];
  const close = async () => {
    await live.close();
    for (const port of opened) port.cut();
    await dialer.close();
  };
  try {
    const host = options.host ?? (config.listen?.host || "127.0.0.1");
    const tls = await tlsOf(config, options.configPath);
    const admin = adminMounts({ metrics, live, full: config.admin === undefined && isLoopback(host) });
    const settings = {
      host,
      port: options.port ?? config.listen?.port ?? 5000,
      tls,
      maxConnections: config.listen?.maxConnections ?? LISTEN_DEFAULTS.maxConnections,
    };
    const main = await serve({ live, observer, mounts: admin, settings });
    opened.push(main);
    const second = config.admin && (await serveAdmin(config.admin, adminMounts({ metrics, live, full: true })));
    if (second) opened.push(second);
    const listening: Gateway["listening"] = second ? [main, second] : [main];
    observer.reloaded(true, 1, []);
    return {
      host,
      port: main.port,
      secure: tls !== undefined,
      adminPort: second?.port,
      live,
      warnings: loaded.warnings,
      drainMs: ms(config.drainTimeout) ?? 30_000,
      listening,
      close,
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

async function serveAdmin(
  admin: NonNullable<Config["admin"]>,
  mounts: ReturnType<typeof adminMounts>,
): Promise<Listening> {
  const router = new Router(mounts);
  const settings = { ...LISTEN_DEFAULTS, host: admin.host || "127.0.0.1", port: admin.port ?? 5001, tls: undefined };
  return listen(
    settings,
    hostOf(
      (inbound) => router.route(inbound),
      () => {},
    ),
  );
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

function levelOf({ log }: Config): string {
  const level = log?.level ?? LogLevel.UNSPECIFIED;
  return level === LogLevel.UNSPECIFIED ? "info" : LogLevel[level].toLowerCase();
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}
