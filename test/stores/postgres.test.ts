/** What a gateway does while its database does not do what it should. */
import { inspect } from "node:util";
import { expect, it } from "vitest";
import type { GatewayError } from "../../src/core/errors.ts";
import type { Ledger } from "../../src/core/ledger.ts";
import { placeOf, postgresSuite } from "../contract/ledger-places.ts";
import { selfSigned } from "../support/certificate.ts";
import { opened, unavailable, until } from "../support/ledger.ts";
import { PASSWORD, type Postgres } from "../support/postgres.ts";
import { startProxy } from "../support/proxy.ts";
import { consistent, write } from "./consistent.ts";

/** So long that nothing in a test comes of polling. */
const NEVER_MS = 600_000;
/** Most that a read and a write may take to fail. */
const READ_MS = 5_000;
const WRITE_MS = 16_000;

const failed = () => undefined;

async function time(what: () => Promise<unknown>): Promise<{ ms: number; error: GatewayError | undefined }> {
  const from = performance.now();
  const error = await what().then(
    () => undefined,
    (thrown: unknown) => thrown as GatewayError,
  );
  return { ms: performance.now() - from, error };
}

/** Reads and writes fail in bounded time with STORE_UNAVAILABLE, and nothing is changed. */
async function fails(ledger: Ledger): Promise<void> {
  const [read, wrote] = await Promise.all([time(() => ledger.routes()), time(() => write(ledger))]);
  expect(read.error).toEqual(unavailable);
  expect(read.ms).toBeLessThan(READ_MS);
  expect(wrote.error).toEqual(unavailable);
  expect(wrote.error!.message).toMatch(/nothing was changed\.$/);
  expect(wrote.ms).toBeLessThan(WRITE_MS);
}

const works = (ledger: Ledger) =>
  until(
    () =>
      ledger.head().then(
        () => true,
        () => false,
      ),
    20_000,
  );

const endConnections = (server: Postgres, database: string) =>
  server.ask(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database}'`);

const nameOf = (url: string) => new URL(url).pathname.slice(1);

/** An address of the same database by way of a proxy. */
async function proxied(url: string) {
  const direct = new URL(url);
  const proxy = await startProxy(Number(direct.port));
  const by = new URL(url);
  by.port = `${proxy.port}`;
  return { proxy, url: by.href };
}

/** Counts what a ledger is told of, once it listens. */
async function listening(server: Postgres, url: string, ledger: Ledger) {
  const counted = { told: 0 };
  ledger.onChange(() => void counted.told++);
  await until(async () => (await listeners(server, url)).length > 0);
  await until(() => counted.told > 0);
  return counted;
}

const listeners = (server: Postgres, url: string) =>
  server.ask(`select pid from pg_stat_activity where datname = '${nameOf(url)}' and query like 'listen%'`);

postgresSuite("gateways on one PostgreSQL", (server) => {
  it("see each other's changes in under a second", async () => {
    const url = await server().newDatabase();
    const one = await opened(placeOf("postgres", { url, pollMs: NEVER_MS }));
    const counted = await listening(server(), url, one);
    const two = await opened(placeOf("postgres", { url, pollMs: NEVER_MS }));
    for (let n = 1; n <= 5; n++) {
      const before = counted.told;
      await write(two);
      await until(() => counted.told > before, 1_000);
      expect((await one.head()).revision).toBe(n);
    }
  });

  it("see them by polling while notices do not come, and by notices again when they do", async () => {
    const direct = await server().newDatabase();
    const { proxy, url } = await proxied(direct);
    proxy.judge = (sent) => (sent.includes("listen polygate_ledger") ? "cut" : "pass");
    const told: unknown[] = [];
    const one = await opened(placeOf("postgres", { url, pollMs: 200, failed: (error) => told.push(error) }));
    await until(() => told.length > 0);
    const two = await opened(placeOf("postgres", { url: direct, failed }));
    let count = 0;
    one.onChange(() => void count++);
    await until(() => count > 0);
    for (let n = 0; n < 3; n++) {
      const before = count;
      await write(two);
      await until(() => count > before, 1_200);
    }
    expect(told).toHaveLength(1);
    proxy.judge = () => "pass";
    await until(async () => (await listeners(server(), direct)).length === 2);
  });

  it("listen again after their connections were ended, and miss nothing of the time between", async () => {
    const url = await server().newDatabase();
    const one = await opened(placeOf("postgres", { url, pollMs: NEVER_MS, failed }));
    const counted = await listening(server(), url, one);
    const pid = (await listeners(server(), url))[0]!["pid"];
    const before = counted.told;
    await endConnections(server(), nameOf(url));
    await until(async () => (await listeners(server(), url)).some((row) => row["pid"] !== pid));
    await until(() => counted.told > before);
    const two = await opened(placeOf("postgres", { url, failed }));
    const then = counted.told;
    await write(two);
    await until(() => counted.told > then, 1_000);
  });

  it("know whether a change was kept whose answer was lost on the way", async () => {
    const direct = await server().newDatabase();
    const { proxy, url } = await proxied(direct);
    const ledger = await opened(placeOf("postgres", { url, failed }));
    expect(await write(ledger)).toBe(1);
    const once = (word: string, fate: "cut" | "lose") => {
      proxy.judge = (sent) => {
        if (!sent.includes(`${word}\0`)) return "pass";
        proxy.judge = () => "pass";
        return fate;
      };
    };
    once("commit", "lose");
    expect(await write(ledger)).toBe(2);
    once("commit", "cut");
    await expect(write(ledger)).rejects.toThrow(/nothing was changed/);
    expect(await write(ledger)).toBe(3);
    expect(await consistent(ledger)).toBe(3);
  });
});

postgresSuite("a gateway whose PostgreSQL", (server) => {
  it("is stopped fails reads and writes at once, and recovers by itself", async () => {
    const url = await server().newDatabase();
    const ledger = await opened(placeOf("postgres", { url, failed }));
    await write(ledger);
    await server().kill();
    await fails(ledger);
    await expect(placeOf("postgres", { url, failed }).open()).rejects.toEqual(unavailable);
    await server().start();
    await works(ledger);
    await write(ledger);
    expect(await consistent(ledger)).toBe(2);
  });

  it("stands still fails reads and writes in bounded time, and recovers by itself", async () => {
    const url = await server().newDatabase();
    const ledger = await opened(placeOf("postgres", { url, failed }));
    await write(ledger);
    server().signal("SIGSTOP");
    try {
      await fails(ledger);
      const many = await Promise.all(Array.from({ length: 20 }, () => time(() => ledger.head())));
      for (const { ms, error } of many) {
        expect(error).toEqual(unavailable);
        expect(ms).toBeLessThan(READ_MS);
      }
    } finally {
      server().signal("SIGCONT");
    }
    await works(ledger);
    await write(ledger);
    expect(await consistent(ledger)).toBe(2);
  });

  it("takes no writes refuses those alone", async () => {
    const url = await server().newDatabase();
    const ledger = await opened(placeOf("postgres", { url, failed }));
    await write(ledger);
    const readOnly = async (on: boolean) => {
      await server().ask(`alter database ${nameOf(url)} set default_transaction_read_only = ${on}`);
      await endConnections(server(), nameOf(url));
    };
    await readOnly(true);
    await works(ledger);
    await expect(write(ledger)).rejects.toThrow("The database takes no writes now; nothing was changed.");
    expect(await consistent(ledger)).toBe(1);
    await readOnly(false);
    await works(ledger);
    expect(await write(ledger)).toBe(2);
  });

  it("has no connection left says so, and recovers by itself", async () => {
    const admin = await server().newDatabase();
    await server().ask(`create role app login password '${PASSWORD}'; alter database ${nameOf(admin)} owner to app`);
    const url = admin.replace("//gate:", "//app:");
    const ledger = await opened(placeOf("postgres", { url, failed }));
    await write(ledger);
    await server().ask("alter role app connection limit 0");
    await endConnections(server(), nameOf(url));
    await until(async () => (await time(() => ledger.head())).error?.message.includes("no connection left") ?? false);
    await fails(ledger);
    await server().ask("alter role app connection limit -1");
    await works(ledger);
    await write(ledger);
    expect(await consistent(ledger)).toBe(2);
  });

  it("is kept locked by another gateway fails writes alone", async () => {
    const url = await server().newDatabase();
    const [one, two] = [await opened(placeOf("postgres", { url })), await opened(placeOf("postgres", { url }))];
    const held = Promise.withResolvers<void>();
    const holding = one.write(async (tx) => {
      await tx.setNote("held", "yes");
      await held.promise;
    });
    await until(async () => (await server().ask("select 1 from pg_locks where locktype = 'advisory'")).length > 0);
    const [read, wrote] = [await time(() => two.head()), await time(() => write(two))];
    expect(read.error).toBeUndefined();
    expect(wrote.error!.message).toBe("Another gateway keeps the database locked; nothing was changed.");
    expect(wrote.ms).toBeLessThan(WRITE_MS);
    held.resolve();
    await holding;
    expect(await write(two)).toBe(1);
  });

  it("speaks TLS is asked as the address says, and its certificate is judged", async () => {
    const url = await server().newDatabase();
    const file = await server().serveTls(selfSigned());
    const tls = async (query: string) => {
      const ledger = await placeOf("postgres", { url: `${url}?${query}`, failed }).open();
      const rows = await server().ask(
        `select bool_and(ssl) as tls from pg_stat_ssl join pg_stat_activity using (pid) where datname = '${nameOf(url)}'`,
      );
      await ledger.close();
      return rows[0]!["tls"];
    };
    await until(() => tls("sslmode=no-verify").catch(() => false) as Promise<boolean>);
    expect(await tls(`sslmode=verify-full&sslrootcert=${file}`)).toBe(true);
    expect(await tls("sslmode=disable")).toBe(false);
    await expect(tls("sslmode=verify-full")).rejects.toEqual(unavailable);
  });

  it("refuses it never shows its password", async () => {
    const url = new URL(await server().newDatabase());
    const shown: unknown[] = [];
    const wrong = [
      Object.assign(new URL(url.href), { username: "nobody" }).href,
      Object.assign(new URL(url.href), { pathname: "/nothing" }).href,
      Object.assign(new URL(url.href), { port: "1" }).href,
      `${url.href}?sslmode=verify-full`,
      `${url.href}?sslrootcert=/nowhere/${PASSWORD}`,
      url.href.replace("postgres:", "mysql:"),
      url.href.replace("127.0.0.1", "127.0.0.1:x"),
      `postgres://gate:${PASSWORD}%zz@127.0.0.1/x`,
    ];
    for (const address of wrong) {
      const opening = placeOf("postgres", { url: address, failed: (error) => shown.push(error) }).open();
      const thrown = await opening.catch((error: unknown) => error);
      expect(thrown).toEqual(unavailable);
      shown.push(thrown);
    }
    expect(inspect(shown, { depth: 20, showHidden: true })).not.toContain(PASSWORD);
  });
});
