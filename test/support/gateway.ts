/** The real gateway as its own process, on a free port, with a config given as text. It is ready when it says where. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** How the process is started. */
export interface GatewayOptions {
  /** Flags after `start --config-path F --port 0`. */
  readonly args?: readonly string[];
  /** Added to this process's environment, less MLflow's variables. `undefined` removes one. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** `src` runs the sources, `dist` what `npm run build` made. Default `src`. */
  readonly entry?: "src" | "dist";
  /** Longest start in ms before the process is killed and the start throws with its log. Default 60,000. */
  readonly startMs?: number;
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running gateway. `await using` kills it if the test did not stop it. */
export interface Gateway extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, no slash at the end; `https:` if the config says `listen.tls`. */
  readonly url: string;
  readonly port: number;
  readonly process: ChildProcess;
  /** The file that it reads; write to it for a hot reload. */
  readonly configPath: string;
  /** All of stdout and stderr so far. */
  readonly log: string;
  /** Resolves with the match once the log has one; at once if it has one already. Rejects if the process ends first. */
  logged(pattern: RegExp): Promise<RegExpMatchArray>;
  /** Sends the signal (default SIGTERM) and waits for the end. Kills after 10 s. */
  stop(signal?: NodeJS.Signals): Promise<Exit>;
}

/** Runs the command line to its end. @param options `interruptOn`: what it must have written to be sent Ctrl-C. */
export async function polygate(
  args: readonly string[],
  options: Pick<GatewayOptions, "env" | "entry"> & { readonly interruptOn?: RegExp } = {},
): Promise<Exit & { readonly out: string; readonly err: string }> {
  const child = launch(args, options);
  let out = "";
  let err = "";
  let interrupted = false;
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    out += text;
    if (interrupted || !options.interruptOn?.test(out)) return;
    interrupted = true;
    child.kill("SIGINT");
  });
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const [code, signal] = (await once(child, "close")) as [Exit["code"], Exit["signal"]];
  return { code, signal, out, err };
}

/**
 * Starts a gateway and waits until it listens. Throws with its log if it ends or takes longer than `startMs`.
 *
 * @param config `undefined`: none is named, so it serves what the environment names, or the quickstart.
 */
export async function startGateway(config: string | undefined, options: GatewayOptions = {}): Promise<Gateway> {
  const folder = await mkdtemp(join(tmpdir(), "polygate-test-"));
  const configPath = join(folder, "polygate.yaml");
  if (config !== undefined) await writeFile(configPath, config);
  const named = config === undefined ? [] : ["--config-path", configPath];
  const child = launch(["start", ...named, "--port", "0", ...(options.args ?? [])], options);
  const exited = once(child, "close").then(([code, signal]) => ({ code, signal }) as Exit);
  const gone = exited.then(() => rm(folder, { recursive: true, force: true }));
  const watch = watchLog(child, exited);
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<Exit> => {
    const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
    child.kill(signal);
    const exit = await exited;
    clearTimeout(timer);
    return exit;
  };
  const timer = setTimeout(() => child.kill("SIGKILL"), options.startMs ?? 60_000);
  const [, url, port] = await watch.logged(/listening on (https?:\/\/127\.0\.0\.1:(\d+))/);
  clearTimeout(timer);
  return {
    url: url!,
    port: Number(port),
    process: child,
    configPath,
    get log() {
      return watch.log();
    },
    logged: watch.logged,
    stop,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await gone;
    },
  };
}

function launch(args: readonly string[], { env = {}, entry = "src" }: Pick<GatewayOptions, "env" | "entry">) {
  const main = entry === "src" ? "src/main.ts" : "dist/main.js";
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(MLFLOW_|POLYGATE_|NODE_OPTIONS$|VITEST)/.test(name),
  );
  return spawn(process.execPath, [join(ROOT, main), ...args], {
    cwd: ROOT,
    env: { ...Object.fromEntries(inherited), NODE_ENV: "production", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

function watchLog(child: ChildProcess, exited: Promise<Exit>) {
  let log = "";
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      log += text;
      for (const look of waiting) look();
    });
  }
  const logged = (pattern: RegExp): Promise<RegExpMatchArray> => {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpMatchArray>();
    const look = () => {
      const match = log.match(pattern);
      if (match) resolve(match);
    };
    waiting.add(look);
    look();
    void exited.then(({ code, signal }) => {
      reject(new Error(`The gateway ended (${signal ?? code}) before it logged ${pattern}.\n${log}`));
    });
    return promise.finally(() => waiting.delete(look));
  };
  return { logged, log: () => log };
}
