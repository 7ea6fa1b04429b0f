import { availableParallelism } from "node:os";
import { authorityOf, isEvery } from "./authority.ts";
import { formatProblem } from "./config/problems.ts";
import { StoreRefused } from "./ledger-of.ts";
import { drainOnSignals, firstSignal } from "./observe/drain.ts";
import { ConfigProblems, startGateway } from "./start.ts";

/** What the command line, or the environment, said. */
export interface RunOptions {
  readonly configPath: string;
  /** No config was named: the one with the simulated routes is served. */
  readonly quickstart: boolean;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly workers: number | undefined;
  /** Everybody may call. */
  readonly auth?: "none" | undefined;
  /** Writes a line for a person. */
  readonly say: (line: string) => void;
}

/** Systems whose kernel spreads connections over the threads that share a port. https://nodejs.org/api/net.html */
const SHARING: ReadonlySet<string> = new Set(["linux", "freebsd", "sunos", "aix"]);

/** 1 below 4 cores, or where threads cannot share a port, else one core less than there are, at most 8. */
export function defaultWorkers(cores = availableParallelism(), platform: string = process.platform): number {
  return cores < 4 || !SHARING.has(platform) ? 1 : Math.min(8, cores - 1);
}

/** Serves until a signal. The exit code: 0 drained, 1 could not listen, 2 the config has problems. */
export async function run(options: RunOptions): Promise<number> {
  const { say } = options;
  const count = options.workers ?? defaultWorkers();
  try {
    return await (count > 1 ? runCrew(options, count) : runAlone(options));
  } catch (thrown) {
    if (thrown instanceof ConfigProblems) {
      for (const problem of thrown.problems) say(formatProblem(problem));
      return 2;
    }
    if (thrown instanceof StoreRefused) {
      say(`polygate: ${thrown.message}`);
      return thrown.exitCode;
    }
    const line = cannotListen(thrown, options);
    if (line === undefined) throw thrown;
    say(line);
    return 1;
  }
}

async function runAlone(options: RunOptions): Promise<number> {
  const { say } = options;
  const gateway = await startGateway({ ...options, ...storeOf(options) });
  for (const warning of gateway.warnings) say(`${formatProblem(warning)} (warning)`);
  const { routes, admit } = gateway.live.site;
  const chat = routes.find((route) => route.op === "chat")?.name;
  // Before anybody knows that it is up: who is told may end it at once.
  const drained = drainOnSignals(gateway, say);
  greet({ ...gateway, chat, locked: admit !== undefined }, options);
  return drained;
}

async function runCrew(options: RunOptions, count: number): Promise<number> {
  const { say } = options;
  const { startCrew } = await import("./workers.ts");
  const { crew, ready, warnings, admin, close } = await startCrew({ ...options, ...storeOf(options) }, count);
  for (const warning of warnings) say(`${formatProblem(warning)} (warning)`);
  const signal = firstSignal();
  greet({ ...ready, admin }, options);
  await signal;
  say("polygate is stopping: calls under way may finish; a second signal ends them");
  await crew.drain();
  await close();
  return 0;
}

/** Where the store is, and who is told the first admin's key. The quickstart's config lies where nobody may write. */
function storeOf({ quickstart, say }: RunOptions) {
  const madeKey = (secret: string) => {
    say("polygate made a first admin key, which is shown this once; keep it:");
    say(`  ${secret}`);
  };
  return { madeKey, ...(quickstart && { storeFolder: process.cwd() }) };
}

/** What a person is told of a gateway that answers. */
interface Greeting {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  readonly admin: string | undefined;
  /** Name of a chat route. */
  readonly chat: string | undefined;
  /** Callers need a key. */
  readonly locked: boolean;
}

function greet({ host, port, secure, admin, chat, locked }: Greeting, { quickstart, say }: RunOptions): void {
  const authority = authorityOf(host, port);
  const url = `${secure ? "https" : "http"}://${authority}`;
  say(`polygate is listening on ${url}${isEvery(host) ? " and every other address of this machine" : ""}`);
  if (quickstart) say("  no config was named: serving examples/quickstart.yaml, whose answers are simulated");
  if (chat !== undefined) {
    const key = locked ? ' -H "Authorization: Bearer $POLYGATE_KEY"' : "";
    const body = JSON.stringify({ model: chat, messages: [{ role: "user", content: "Hello" }] });
    const json = `-H 'content-type: application/json' -d '${body}'`;
    say(`  curl:    curl ${secure ? "-k " : ""}${url}/v1/chat/completions${key} ${json}`);
    const typed = JSON.stringify({ model: chat, messages: [{ role: "ROLE_USER", text: "Hello" }] });
    const plain = secure ? "-insecure" : "-plaintext";
    say(`  grpcurl: grpcurl ${plain}${key} -d '${typed}' ${authority} polygate.v1.ChatService/Chat`);
  }
  say(`  docs:    ${url}/docs`);
  if (admin) say(`  admin:   http://${admin} (admin API, metrics, livez, readyz)`);
}

function cannotListen(thrown: unknown, { host, port }: RunOptions): string | undefined {
  const code = typeof thrown === "object" && thrown !== null && "code" in thrown ? thrown.code : undefined;
  const where = `port ${port ?? "of the config"} on ${host ?? "the config's host"}`;
  const { address, port: tried } = thrown as { address?: string; port?: number };
  const exact = tried === undefined ? where : `port ${tried} on ${address}`;
  switch (code) {
    case "EADDRINUSE":
      return `polygate: ${exact} is taken; stop what uses it, or choose another with --port.`;
    case "EACCES":
      return `polygate: ${exact} is not allowed to this user; choose one above 1023 with --port.`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `polygate: cannot listen on ${address ?? host}: this machine has no such address; choose another with --host.`;
    case "ENOTSUP":
    case "EINVAL":
      return "polygate: this system cannot share a port among workers; start it with --workers 1.";
    default:
      return undefined;
  }
}
