import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tree } from "./measure.ts";
import { envoyConfig, nginxConfig } from "./proxies.ts";

/** Something that is measured: it answers on a loopback port and forwards to the fake upstream. */
export interface Subject {
  readonly name: string;
  readonly port: number;
  /** The process and its children. */
  readonly pids: () => readonly number[];
  /** Milliseconds from its start to when it said that it listens. */
  readonly startMs: number;
  /** Address of its inspector. Throws if it was not started with `--inspect`. */
  inspector(): string;
  stop(): Promise<void>;
}

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const LISTENS_MS = 20_000;
/** What is kept of what a process writes to stderr, characters. */
const WORDS = 4_000;

/** The fake upstream; its port is 0 for any. */
export function startUpstream(port: number): Promise<Subject> {
  return started("upstream", process.execPath, [here("upstream.ts"), "--port", String(port)], /^(\d+)\n/);
}

export function startBare(upstream: string): Promise<Subject> {
  return started("bare", process.execPath, [here("bare.ts"), upstream], /^(\d+)\n/);
}

/**
 * The gateway as its operator runs it, its log in a file.
 *
 * @param flags For Node, such as `--inspect=127.0.0.1:0`.
 */
export function startGateway(entry: string, config: string, folder: string, flags: readonly string[] = []) {
  const logs = join(folder, "log");
  mkdirSync(logs, { recursive: true });
  const log = openSync(join(logs, "gateway.log"), "a");
  const args = [...flags, entry, "start", "--config-path", config, "--workers", "1"];
  return started("gateway", process.execPath, args, /listening on http:\/\/127\.0\.0\.1:(\d+)/, log);
}

/** The gateway over several cores in one of the ways of `ways.ts`, its log in a file. */
export function startWay(way: string, workers: string, config: string, folder: string): Promise<Subject> {
  const logs = join(folder, "log");
  mkdirSync(logs, { recursive: true });
  const log = openSync(join(logs, "gateway.log"), "a");
  const args = [here("ways.ts"), "--way", way, "--workers", workers, "--config", config];
  return started(way, process.execPath, args, /^(\d+)$/m, log);
}

export function startNginx(command: string, folder: string, port: number, upstreamPort: number): Promise<Subject> {
  const path = join(folder, "nginx.conf");
  writeFileSync(path, nginxConfig(folder, port, upstreamPort));
  return started("nginx", command, ["-p", folder, "-c", path, "-e", join(folder, "nginx.err")], port);
}

export function startEnvoy(command: string, folder: string, port: number, upstreamPort: number): Promise<Subject> {
  const path = join(folder, "envoy.yaml");
  writeFileSync(path, envoyConfig(folder, port, upstreamPort));
  const args = ["-c", path, "--concurrency", "1", "--disable-hot-restart", "-l", "error"];
  return started("envoy", command, args, port);
}

/** A gateway that somebody else started. */
export function foreign(url: string, pid: number): Subject {
  const { port } = new URL(url);
  const inspector = () => {
    throw new Error("it was started by somebody else");
  };
  return { name: "against", port: Number(port), pids: () => tree(pid), startMs: 0, inspector, stop: async () => {} };
}

/** @param ready The port, which is tried until it answers, or what the process writes when it listens. */
async function started(
  name: string,
  command: string,
  args: readonly string[],
  ready: RegExp | number,
  stdout?: number,
): Promise<Subject> {
  const begun = performance.now();
  const child = spawn(command, args, {
    stdio: ["ignore", stdout ?? "pipe", "pipe"],
    env: { ...process.env, NODE_ENV: "production", NODE_OPTIONS: "" },
  });
  const gone = once(child, "exit");
  let words = "";
  child.stderr?.setEncoding("utf8").on("data", (more: string) => {
    words = (words + more).slice(-WORDS);
  });
  const port = await Promise.race([
    typeof ready === "number" ? answers(ready) : said(child, ready),
    gone.then(([code]) => Promise.reject(new Error(`${name} ended at its start (${code}): ${words}`))),
  ]);
  return {
    name,
    port,
    pids: () => tree(child.pid!),
    startMs: performance.now() - begun,
    inspector() {
      const url = /ws:\/\/\S+/.exec(words)?.[0];
      if (url === undefined) throw new Error(`${name} was not started with --inspect`);
      return url;
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const timer = setTimeout(() => child.kill("SIGKILL"), 3_000);
      child.kill("SIGTERM");
      await gone;
      clearTimeout(timer);
    },
  };
}

function said(child: ChildProcess, pattern: RegExp): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let text = "";
  const timer = setTimeout(() => reject(new Error(`it does not listen: ${text}`)), LISTENS_MS);
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (more: string) => {
      text += more;
      const found = pattern.exec(text)?.[1];
      if (found !== undefined) resolve(Number(found));
    });
  }
  return promise.finally(() => clearTimeout(timer));
}

async function answers(port: number): Promise<number> {
  const until = performance.now() + LISTENS_MS;
  while (performance.now() < until) {
    const socket = connect({ host: "127.0.0.1", port });
    const open = await Promise.race([once(socket, "connect").then(() => true), once(socket, "close").then(() => false)])
      .catch(() => false)
      .finally(() => socket.destroy());
    if (open) return port;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`nothing listens on port ${port}`);
}
