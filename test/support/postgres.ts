/** A PostgreSQL server for tests alone, on loopback, in a folder of its own. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "pg";
import { freePort } from "../e2e/servers.ts";
import type { Certificate } from "./certificate.ts";

/** Is in no log and no error. */
export const PASSWORD = "canary-of-the-database";

export interface Postgres extends AsyncDisposable {
  /** Address of a new, empty database. */
  newDatabase(): Promise<string>;
  /** Runs statements as the server's owner. */
  ask(sql: string, database?: string): Promise<readonly Record<string, unknown>[]>;
  /** Sends a signal to every process of the server. */
  signal(signal: NodeJS.Signals): void;
  /** Ends the server at once, as a machine that fails does. */
  kill(): Promise<void>;
  /** From now on it takes TLS as well; path of the certificate's file. */
  serveTls(certificate: Certificate): Promise<string>;
  /** Starts it again, at the same port. */
  start(): Promise<void>;
}

/** @param postgres Path of the program; its tools are beside it. It does not run as root: then it is Debian's user `postgres`. */
export async function startPostgres(postgres: string): Promise<Postgres> {
  const folder = mkdtempSync(join(tmpdir(), "polygate-postgres-"));
  const user = process.getuid?.() === 0 ? { uid: idOf("-u"), gid: idOf("-g") } : {};
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid!);
  chmodSync(folder, 0o755);
  const data = join(folder, "data");
  const password = join(folder, "password");
  writeFileSync(password, PASSWORD);
  const port = await freePort();
  let server: ChildProcess | undefined;
  let databases = 0;

  execFileSync(
    join(dirname(postgres), "initdb"),
    ["-D", data, "-U", "gate", "-A", "scram-sha-256", `--pwfile=${password}`, "--no-sync", "--locale=C", "-E", "UTF8"],
    { ...user, cwd: folder, stdio: "pipe" },
  );
  const urlOf = (database: string) => `postgres://gate:${PASSWORD}@127.0.0.1:${port}/${database}`;
  const made: Postgres = {
    async newDatabase() {
      const name = `test${++databases}`;
      await made.ask(`create database ${name}`);
      return urlOf(name);
    },
    async ask(sql, database = "postgres") {
      const client = new Client({ connectionString: urlOf(database) });
      client.on("error", () => undefined);
      await client.connect();
      try {
        return (await client.query<Record<string, unknown>>(sql)).rows;
      } finally {
        await client.end();
      }
    },
    signal(signal) {
      for (const pid of family(server!.pid!)) {
        try {
          process.kill(pid, signal);
        } catch {
          // It ended meanwhile.
        }
      }
    },
    async kill() {
      const ended = once(server!, "exit");
      made.signal("SIGKILL");
      await ended;
    },
    async serveTls({ cert, key }) {
      for (const [name, text] of Object.entries({ "server.crt": cert, "server.key": key })) {
        writeFileSync(join(data, name), text, { mode: 0o600 });
        if (user.uid !== undefined) chownSync(join(data, name), user.uid, user.gid!);
      }
      await made.ask("alter system set ssl = on");
      await made.ask("select pg_reload_conf()");
      return join(data, "server.crt");
    },
    async start() {
      // What is written need not outlive the machine, only the process.
      const settings = ["fsync=off", `port=${port}`, "listen_addresses=127.0.0.1", "unix_socket_directories="];
      for (;;) {
        const one = spawn(postgres, ["-D", data, ...settings.flatMap((setting) => ["-c", setting])], {
          ...user,
          cwd: folder,
          stdio: "ignore",
        });
        server = one;
        while (one.exitCode === null && one.signalCode === null) {
          const up = await made.ask("select 1").catch(() => undefined);
          if (up) return;
          await delay(20);
        }
        // After a kill its memory may still be in use for a moment.
        await delay(50);
      }
    },
    async [Symbol.asyncDispose]() {
      if (server?.exitCode === null && server.signalCode === null) await made.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await made.start();
  return made;
}

function idOf(which: "-u" | "-g"): number {
  return Number(execFileSync("id", [which, "postgres"], { encoding: "utf8" }));
}

/** A process and its children: PostgreSQL has one level of them. */
function family(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
  return [pid, ...children.map(Number)];
}
