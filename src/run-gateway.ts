import { formatProblem } from "./config/problems.ts";
import { drainOnSignals } from "./observe/drain.ts";
import { ConfigProblems, type Gateway, startGateway } from "./start.ts";

/** What the command line, or the environment, said. */
export interface RunOptions {
  readonly configPath: string;
  /** No config was named: the one with the simulated routes is served. */
  readonly quickstart: boolean;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly workers: number | undefined;
  /** Writes a line for a person. */
  readonly say: (line: string) => void;
}

/** Serves until a signal. The exit code: 0 drained, 1 could not listen, 2 the config has problems. */
export async function run(options: RunOptions): Promise<number> {
  const { say } = options;
  let gateway: Gateway;
  try {
    gateway = await startGateway(options);
  } catch (thrown) {
    if (thrown instanceof ConfigProblems) {
      for (const problem of thrown.problems) say(formatProblem(problem));
      return 2;
    }
    const line = cannotListen(thrown, options);
    if (line === undefined) throw thrown;
    say(line);
    return 1;
  }
  for (const warning of gateway.warnings) say(`${formatProblem(warning)} (warning)`);
  greet(gateway, options);
  return drainOnSignals(gateway, say);
}

function greet(gateway: Gateway, { quickstart, say }: RunOptions): void {
  const host = gateway.host === "0.0.0.0" || gateway.host === "::" ? "127.0.0.1" : gateway.host;
  const authority = `${host.includes(":") ? `[${host}]` : host}:${gateway.port}`;
  const url = `${gateway.secure ? "https" : "http"}://${authority}`;
  say(`polygate is listening on ${url}`);
  const chat = gateway.live.site.routes.find((route) => route.op === "chat");
  const insecure = gateway.secure ? "-k " : "";
  if (quickstart) say("  no config was named: serving examples/quickstart.yaml, whose answers are simulated");
  if (chat) {
    const body = JSON.stringify({ model: chat.name, messages: [{ role: "user", content: "Hello" }] });
    say(`  curl:    curl ${insecure}${url}/v1/chat/completions -H 'content-type: application/json' -d '${body}'`);
    const typed = JSON.stringify({ model: chat.name, messages: [{ role: "ROLE_USER", text: "Hello" }] });
    const plain = gateway.secure ? "-insecure" : "-plaintext";
    say(`  grpcurl: grpcurl ${plain} -d '${typed}' ${authority} polygate.v1.ChatService/Chat`);
  }
  say(`  docs:    ${url}/docs`);
  if (gateway.admin) say(`  admin:   http://${gateway.admin} (metrics, livez, readyz)`);
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
    default:
      return undefined;
  }
}
