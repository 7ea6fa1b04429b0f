import { parseArgs } from "node:util";

export const USAGE = `usage: npm run bench -- [options]

  --only a,b         rows by id: openai-1k mlflow-1k openai-32k mlflow-32k sse sse-burst connect grpc
                     grpc-stream bad-key over-limit no-route translated resources
  --rounds N         rounds of each row, in which all take turns (3)
  --requests F       times the usual number of calls, such as 0.25 or 4 (1)
  --markdown         the table as Markdown
  --entry FILE       a compiled main.js; without it src is compiled first
  --versus FILE      the main.js of another build, a column of its own
  --envoy FILE       envoy, when it is not on the path
  --against URL      another OpenAI-compatible gateway that runs already, a column of its own; with
    --against-pid N    its process, whose CPU and that of its children is counted
    --against-model M  what it calls its route (chat)
    --upstream-port N  where it finds the fake upstream: point it at http://127.0.0.1:N/v1
`;

/** What the command line asked for. */
export interface Options {
  readonly only: readonly string[];
  readonly rounds: number;
  readonly requests: number;
  readonly markdown: boolean;
  readonly entry: string | undefined;
  readonly versus: string | undefined;
  readonly envoy: string;
  readonly against: { readonly url: string; readonly pid: number; readonly model: string } | undefined;
  readonly upstreamPort: number;
}

/** Reads the command line; `undefined`: help was asked for. Throws on what it does not know. */
export function options(args: string[]): Options | undefined {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args,
    options: {
      only: text,
      rounds: text,
      requests: text,
      markdown: { type: "boolean", default: false },
      entry: text,
      versus: text,
      envoy: text,
      against: text,
      "against-pid": text,
      "against-model": text,
      "upstream-port": text,
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const url = values.against;
  const pid = number("against-pid", values["against-pid"], 0);
  if (url !== undefined && pid === 0) throw new Error("--against needs --against-pid: its CPU is what is measured.");
  if (url !== undefined && new URL(url).hostname !== "127.0.0.1") throw new Error("--against must be on 127.0.0.1.");
  return {
    only: values.only?.split(",") ?? [],
    rounds: number("rounds", values.rounds, 3),
    requests: number("requests", values.requests, 1),
    markdown: values.markdown,
    entry: values.entry,
    versus: values.versus,
    envoy: values.envoy ?? "envoy",
    against: url === undefined ? undefined : { url, pid, model: values["against-model"] ?? "chat" },
    upstreamPort: number("upstream-port", values["upstream-port"], 0),
  };
}

function number(name: string, text: string | undefined, absent: number): number {
  if (text === undefined) return absent;
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new Error(`--${name} must be a number above 0, not ${text}.`);
}
