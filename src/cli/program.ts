import { type Command, InvalidArgumentError, Option } from "commander";
import type { Polygate } from "../client/index.ts";
import type { Completable } from "./completion.ts";
import type { ServerFlags } from "./connection.ts";
import { CommandFailed, EXIT, type Exit, type Io } from "./io.ts";
import type { Format } from "./output.ts";

/** Flags of every command that asks a gateway and prints a result. */
type Flags = ServerFlags & { readonly output: Format };
type Run<More> = (client: Polygate, flags: Flags & More, args: readonly string[]) => Promise<Exit>;

/** Adds the commands that ask a running gateway, and the shells' completion. @param end Told each command's exit code. */
export function addCommands(program: Command, io: Io, now: () => number, end: (exit: Exit) => void): void {
  const add = <More>(parent: Command, usage: string, about: string, run: Run<More>, timed = true): Command => {
    const command = parent
      .command(usage)
      .description(about)
      .option("--server <url>", "the gateway (default: POLYGATE_URL, else http://127.0.0.1:5000)")
      .option("--key-file <file>", "file of an admin key (default: the key in POLYGATE_KEY)")
      .option("--timeout <seconds>", "longest wait for an answer (default: 30)", number(1, 86_400))
      .addOption(
        new Option("-o, --output <format>", "form of the result").choices(["table", "json", "yaml"]).default("table"),
      );
    command.action(async () => {
      const flags = command.opts<Flags & More>();
      const { connect } = await import("./connection.ts");
      end(await guarded(io, flags, async () => run(await connect(flags, io, timed), flags, command.args)));
    });
    return command;
  };
  addRoutes(program, io, add);
  addKeys(program, io, now, add);
  addAudit(program, io, add);
  program
    .command("completion")
    .description("print a shell's completion script")
    .argument("<shell>", "bash, zsh or fish")
    .action(async (shell: string) => {
      const { completionOf, SHELLS } = await import("./completion.ts");
      const known = SHELLS.find((one) => one === shell);
      if (known) io.out(completionOf(known, completable(program)));
      else io.say(`polygate: there is no completion for ${shell}; there is for ${SHELLS.join(", ")}.`);
      end(known ? EXIT.ok : EXIT.invalid);
    });
}

type Add = <More>(parent: Command, usage: string, about: string, run: Run<More>, timed?: boolean) => Command;

function addRoutes(program: Command, io: Io, add: Add): void {
  const routes = program.command("routes").description("read and change the routes of a running gateway");
  const code = () => import("./routes.ts");
  const past = () => import("./revisions.ts");
  type Written = import("./routes.ts").WriteFlags;
  add<{ filter?: string; orderBy?: string }>(routes, "list", "list the routes", async (client, flags) =>
    (await code()).list(client, io, flags.output, flags),
  )
    .option("--filter <expression>", 'such as \'route_type = "llm/v1/chat" AND labels.team = "search"\'')
    .option("--order-by <field>", "name, create_time or update_time, and maybe desc");
  add(routes, "get <name>", "show one route", async (client, flags, [name]) =>
    (await code()).get(client, io, flags.output, name!),
  );
  staging(
    add<Written & { filename: string; prune?: boolean }>(
      routes,
      "apply",
      "make the routes be as in a file",
      async (client, flags) => (await code()).apply(client, io, flags.output, flags),
    )
      .requiredOption("-f, --filename <file>", "a config file, a list of routes or one route; - is standard input")
      .option("--prune", "delete the API's routes that are not in the file"),
  );
  add<{ filename: string; prune?: boolean }>(
    routes,
    "diff",
    "show what apply would change; exits with 1 when there is anything",
    async (client, flags) => (await code()).diff(client, io, flags.output, flags),
  )
    .requiredOption("-f, --filename <file>", "as of apply")
    .option("--prune", "as of apply");
  staging(
    add<Written & { etag?: string }>(routes, "delete <name>", "delete a route", async (client, flags, [name]) =>
      (await code()).remove(client, io, name!, flags),
    ).option("--etag <etag>", "only if it is still this one"),
  );
  add<{ limit?: number }>(
    routes,
    "history [name]",
    "list the revisions, of all routes or of one",
    async (client, flags, [route]) =>
      (await past()).history(client, io, flags.output, { ...flags, ...(route !== undefined && { route }) }),
  ).option("--limit <number>", "most revisions (default: 50)", number(1, 100_000));
  add(
    routes,
    "changes <from> [to]",
    "show what changed from one revision to another, or to the newest",
    async (client, flags, [from, to]) =>
      (await past()).changes(client, io, flags.output, revision(from!), to === undefined ? 0 : revision(to)),
  );
  add<Written>(
    routes,
    "rollback <revision>",
    "make the routes what they were at a revision",
    async (client, flags, [to]) => (await past()).rollback(client, io, flags.output, revision(to!), flags),
  )
    .option("--reason <text>", "why, for the history")
    .option("--dry-run", "find every problem, and change nothing");
  add<{ percent?: number }>(
    routes,
    "promote <revision>",
    "make a staged revision live, or change its share",
    async (client, flags, [staged]) => (await past()).promote(client, io, revision(staged!), flags.percent ?? 100),
  ).option("--percent <number>", "calls of 100 that it serves (default: 100)", number(1, 100));
  add<{ after?: number }>(
    routes,
    "watch",
    "tell every change as it is made, until Ctrl-C",
    async (client, flags) => (await past()).watch(client, io, flags.output, flags.after),
    false,
  ).option("--after <revision>", "tell those since this revision first", number(0, Number.MAX_SAFE_INTEGER));
  add<{ operation: string; data: string; principal?: string }>(
    routes,
    "explain",
    "say what would be done with a request, without asking a provider",
    async (client, flags) => (await code()).explain(client, io, flags.output, flags),
  )
    .addOption(
      new Option("--operation <operation>", "what it does")
        .choices(["chat", "completions", "embeddings"])
        .default("chat"),
    )
    .requiredOption("-d, --data <json>", "the request in OpenAI's form, or @ and its file")
    .option("--principal <key>", "take the caller for the one of this key");
}

function staging(command: Command): void {
  command
    .option("--reason <text>", "why, for the history")
    .option("--dry-run", "find every problem, and change nothing")
    .option("--stage <percent>", "let the new revision serve so many calls of 100 first", number(1, 99))
    .option("--margin <percent>", "with --stage: how many more calls of 100 may fail (default: 5)", number(0, 100))
    .option("--window <seconds>", "with --stage: over which time calls are judged (default: 60)", number(1, 86_400))
    .option("--min-calls <number>", "with --stage: calls before it is judged (default: 20)", number(1, 1_000_000));
}

function addKeys(program: Command, io: Io, now: () => number, add: Add): void {
  const keys = program.command("keys").description("make and end API keys");
  const code = () => import("./keys.ts");
  type Made = import("./keys.ts").CreateFlags;
  add<Made>(keys, "create <name>", "make a key; it is printed this once", async (client, flags, [name]) =>
    (await code()).createKey(client, io, flags.output, name!, flags, now()),
  )
    .option("--scope <scope...>", "inference or admin, maybe :operations, maybe @routes (default: inference)")
    .option("--tenant <name>", "whose it is")
    .option("--team <name>", "whose it is")
    .option("--user <name>", "whose it is")
    .option("--application <name>", "whose it is")
    .option("--expires <when>", "a span such as 30d, or a day such as 2027-01-31 (default: never)")
    .option("--description <text>", "what it is for")
    .option("--dry-run", "find every problem, and make nothing");
  add<{ filter?: string }>(keys, "list", "list the keys", async (client, flags) =>
    (await code()).list(client, io, flags.output, flags.filter),
  ).option("--filter <expression>", "such as 'owner.team = \"search\"'");
  add(keys, "get <id>", "show one key's record", async (client, flags, [id]) =>
    (await code()).get(client, io, flags.output, id!),
  );
  add<{ overlap?: string }>(keys, "rotate <id>", "make a key in the place of one", async (client, flags, [id]) =>
    (await code()).rotate(client, io, flags.output, id!, flags.overlap),
  ).option("--overlap <span>", "how long the old one goes on, such as 12h; 0s: not at all (default: 1d)");
  add(keys, "revoke <id>", "end a key at once", async (client, _, [id]) => (await code()).revoke(client, io, id!));
}

function addAudit(program: Command, io: Io, add: Add): void {
  const audit = program.command("audit").description("read what was done by the admin API");
  const code = () => import("./audit.ts");
  add<{ filter?: string; limit?: number }>(audit, "list", "list the newest events", async (client, flags) =>
    (await code()).list(client, io, flags.output, flags),
  )
    .option("--filter <expression>", "such as 'outcome = \"CALLER_FORBIDDEN\"'")
    .option("--limit <number>", "most events (default: 50)", number(1, 100_000));
  add<{ after?: number }>(
    audit,
    "export",
    "write every event as a line of JSON, the oldest first",
    async (client, flags) => (await code()).exportAll(client, io, flags.after ?? 0),
    false,
  ).option("--after <event>", "begin after this event", number(0, Number.MAX_SAFE_INTEGER));
  add(
    audit,
    "verify",
    "compute the hashes of all events again",
    async (client) => (await code()).verify(client, io),
    false,
  );
}

async function guarded(io: Io, flags: ServerFlags, run: () => Promise<Exit>): Promise<Exit> {
  try {
    return await run();
  } catch (thrown) {
    const [{ failureOf }, { serverOf }] = await Promise.all([import("./failure.ts"), import("./connection.ts")]);
    const { lines, exit } = failureOf(thrown, serverOf(flags, io));
    for (const line of lines) io.say(`polygate: ${line}`);
    return exit;
  }
}

/** Reads a whole number of a range. */
export function number(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    return value;
  };
}

function revision(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new CommandFailed(`${text} is no revision; they are numbers, listed by routes history.`, EXIT.invalid);
}

function completable(command: Command): Completable {
  return {
    name: command.name(),
    words: command.options.flatMap(({ long }) => long ?? []),
    children: command.commands.map(completable),
  };
}
