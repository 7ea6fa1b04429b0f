/**
 * The clients that npm does not bring: where they are, and suites that are left out where they are not.
 *
 * `scripts/ci-tools.sh` installs them all. With `POLYGATE_TEST_ALL=1` a missing one fails; else its suite is one skipped
 * test that says what is missing, and the reporter repeats it in the run's last line.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TOOLS = process.env["POLYGATE_TEST_TOOLS"] ?? join(ROOT, ".cache/test-tools");

/** Longest time in ms for one client: some take a minute to load when other work has the processor. */
export const PATIENCE_MS = 120_000;

/** What a suite may want, as a person would name it. */
export type Tool = keyof typeof PLACES;

const PLACES = {
  curl: ["curl"],
  grpcurl: [join(TOOLS, "bin/grpcurl"), "grpcurl"],
  "Go with the plugins for stubs": [join(TOOLS, "bin/protoc-gen-connect-go")],
  Chromium: ["chromium", "chromium-browser", "google-chrome"],
  "Python with openai and grpcio": [join(TOOLS, "venv/sdk/bin/python")],
  "mlflow 2.8.1": [join(TOOLS, "venv/mlflow-2.8.1/bin/python")],
  "mlflow 2.22": [join(TOOLS, "venv/mlflow-2.22/bin/python")],
  mlflow: [join(TOOLS, "venv/mlflow/bin/python")],
  // Debian has it in a folder for each version, and not in the path.
  PostgreSQL: [...[18, 17, 16, 15].map((version) => `/usr/lib/postgresql/${version}/bin/postgres`), "postgres"],
  LiteLLM: [join(TOOLS, "venv/litellm/bin/litellm")],
} as const;

/** The file that runs the tool. `undefined`: it is not on this machine. */
export function find(tool: Tool): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const candidates = PLACES[tool].flatMap((place) =>
    place.includes("/") ? [place] : folders.map((folder) => join(folder, place)),
  );
  return candidates.find(runs);
}

function runs(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A suite that needs a tool, and gets the path of it. */
export function clientSuite(tool: Tool, name: string, body: (path: string) => void): void {
  const path = find(tool);
  if (path !== undefined) {
    describe(name, { timeout: PATIENCE_MS }, () => body(path));
    return;
  }
  it(`${name}: ${tool} is there`, ({ skip }) => leaveOut(tool, skip));
}

/** For one test among others: the tool's path, or the test is left out. */
export const need = (tool: Tool, skip: (note: string) => never): string => find(tool) ?? leaveOut(tool, skip);

function leaveOut(tool: Tool, skip: (note: string) => never): never {
  const reason = `${tool} is not found`;
  if (process.env["POLYGATE_TEST_ALL"] === "1") throw new Error(`${reason}; scripts/ci-tools.sh installs it.`);
  return skip(reason);
}

/** What {@link run} takes beside the command. */
export interface RunOptions {
  /** Sent to stdin. */
  readonly input?: string;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Killed after this many ms. Default {@link PATIENCE_MS}. */
  readonly timeoutMs?: number;
}

/**
 * Runs a program to its end and gives its stdout.
 *
 * Throws with stderr if it exits with another code than 0 or does not end in time.
 */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const child = spawn(command, args, { cwd: ROOT, env: { ...process.env, ...options.env }, stdio: "pipe" });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input);
  const timer = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs ?? PATIENCE_MS);
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  clearTimeout(timer);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${signal ?? code}.\n${err}\n${out}`);
  return out;
}

/** A script of `clients/`, by its name. */
export const client = (name: string): string => fileURLToPath(new URL(`clients/${name}`, import.meta.url));
