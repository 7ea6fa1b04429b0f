import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { Command, Option } from "commander";
import { addCommands, number } from "./cli/program.ts";

/** Name the config file, the first before the others: the gateway's, MLflow's own, and that of its `deployments start-server`. */
const CONFIG_VARIABLES = ["MLFLOW_GATEWAY_CONFIG_PATH", "MLFLOW_GATEWAY_CONFIG", "MLFLOW_DEPLOYMENTS_CONFIG"];

interface StartFlags {
  readonly configPath?: string;
  readonly host?: string;
  readonly port?: number;
  readonly workers?: number;
  readonly auth?: "none";
}

/** Does what the command line says. Sets the exit code. */
export async function main(): Promise<void> {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
  const program = new Command("polygate")
    .description("One door in front of many model providers.")
    .version(manifest.version)
    .showHelpAfterError();
  program
    .command("start")
    .description("serve the routes of a config file")
    .option(
      "--config-path <file>",
      `the config file (default: ${CONFIG_VARIABLES.join(", ")}, else three simulated routes)`,
    )
    .option("--host <address>", "address to listen on (default: the config's, else 127.0.0.1)")
    .option("--port <number>", "port to listen on, 0 for any (default: the config's, else 5000)", number(0, 65535))
    .option(
      "--workers <number>",
      "threads that answer on the port (default: 1 below 4 cores, else cores - 1, at most 8)",
      number(1, 64),
    )
    .addOption(
      new Option("--auth <none>", "let everybody call, as `auth: none` in the file")
        .choices(["none"])
        .env("POLYGATE_AUTH"),
    )
    .action(start);
  program
    .command("check")
    .description("print every problem of config files")
    .argument("<file...>", "config files")
    .action(check);
  program
    .command("store")
    .description("care for the admin API's store")
    .command("reseal")
    .description("seal the secrets of the store anew, with another encryption key")
    .requiredOption("--config-path <file>", "the config file")
    .action(async ({ configPath }: { readonly configPath: string }) => {
      const { resealFile } = await import("./reseal.ts");
      const { lines, exit } = await resealFile(configPath);
      for (const line of lines) say(line);
      process.exitCode = exit;
    });
  const stop = new AbortController();
  const io = { out: write, say, env: process.env, signal: stop.signal };
  addCommands(program, io, Date.now, (exit) => {
    process.exitCode = exit;
  });
  program.hook("preAction", (_, command) => {
    // The gateway itself drains on signals; what only watches just ends.
    if (command.name() !== "start") process.once("SIGINT", () => stop.abort());
  });
  await program.parseAsync();
}

/**
 * V8 collects everything after each 64 MiB of buffers, however small the heap is: for bodies of 32 KB, a third of all the CPU. The
 * first flag counts buffers with the rest of the heap, the second lets both grow to four times what is alive, which V8 does by
 * itself while a program is busy enough; young buffers are let go of before that. V8 says so aloud when it does not know a flag.
 */
function tuneCollector(): void {
  if (!process.versions.v8.startsWith("13.")) return;
  setFlagsFromString("--external-memory-accounted-in-global-limit");
  setFlagsFromString("--heap-growing-percent=300");
}

async function start(flags: StartFlags): Promise<void> {
  tuneCollector();
  const { run } = await import("./run-gateway.ts");
  const quickstart = fileURLToPath(new URL("../examples/quickstart.yaml", import.meta.url));
  const named = flags.configPath || CONFIG_VARIABLES.map((name) => process.env[name]).find(Boolean);
  process.exitCode = await run({
    configPath: named || quickstart,
    quickstart: !named,
    host: flags.host,
    port: flags.port,
    workers: flags.workers,
    auth: flags.auth,
    say,
  });
}

async function check(files: readonly string[]): Promise<void> {
  const { checkFiles } = await import("./check.ts");
  const { lines, problems } = await checkFiles(files);
  for (const line of lines) process.stdout.write(`${line}\n`);
  process.exitCode = problems > 0 ? 1 : 0;
}

function write(text: string): void {
  process.stdout.write(text);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
