import { chmodSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { placeOf } from "../contract/ledger-places.ts";
import { folderOf } from "../support/folder.ts";
import { opened, unavailable, until } from "../support/ledger.ts";
import { consistent, write } from "./consistent.ts";
import { startWriter } from "./processes.ts";

const newPath = () => join(folderOf(), "polygate.db");
const openAt = (path: string, settings: object = {}) => opened(placeOf("sqlite", { path, ...settings }));

describe("a ledger in a file", () => {
  it("is its own user's alone, with its log and its shared memory", async () => {
    const path = newPath();
    await write(await openAt(path));
    for (const file of [path, `${path}-wal`, `${path}-shm`]) expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("is not made unless it is told to be, and says where it looked", async () => {
    const path = newPath();
    const opening = openAt(path, { create: false });
    await expect(opening).rejects.toEqual(unavailable);
    await expect(opening).rejects.toThrow(`There is no store at ${path}.`);
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
    await (await placeOf("sqlite", { path }).open()).close();
    await openAt(path, { create: false });
  });

  it("is opened whatever letters are in its path", async () => {
    const path = join(folderOf(), "a b%20?mode=ro#é.db");
    expect(await write(await openAt(path))).toBe(1);
    expect(statSync(path).size).toBeGreaterThan(0);
  });

  it("is refused when it is no database", async () => {
    const path = join(folderOf({ "polygate.db": "routes: []\n".repeat(100) }), "polygate.db");
    await expect(openAt(path)).rejects.toEqual(unavailable);
    expect(readFileSync(path, "utf8")).toBe("routes: []\n".repeat(100));
  });

  it("is written by two processes that agree, and tells each of the other's writes", async () => {
    const path = newPath();
    const ledger = await openAt(path, { pollMs: 20 });
    const child = startWriter("sqlite", { path });
    await child.said(2);
    let told = 0;
    ledger.onChange(() => void told++);
    await until(() => told > 3, 5_000);
    for (let n = 0; n < 30; n++) await write(ledger);
    await child.said(30);
    child.process.kill("SIGKILL");
    await child.ended;
    expect(await consistent(ledger)).toBeGreaterThanOrEqual(30 + child.lines.length - 1);
  });

  it("refuses writes once its file is gone, for nobody would find them again", async () => {
    const path = newPath();
    const ledger = await openAt(path);
    await write(ledger);
    renameSync(path, `${path}.old`);
    await expect(write(ledger)).rejects.toThrow(/moved or removed/);
    renameSync(`${path}.old`, path);
    expect(await write(ledger)).toBe(2);
  });
});

describe("a ledger in a file that another process keeps locked", () => {
  it("answers reads, refuses writes in bounded time without holding anybody up, and recovers by itself", async () => {
    const path = newPath();
    const ledger = await openAt(path);
    await write(ledger);
    const other = new DatabaseSync(path);
    other.exec("begin immediate");
    const from = performance.now();
    let longest = 0;
    let last = from;
    const beat = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 5);
    const refused = write(ledger);
    expect((await ledger.head()).revision).toBe(1);
    await expect(refused).rejects.toEqual(unavailable);
    await expect(refused).rejects.toThrow("Another process keeps the store locked; nothing was changed.");
    clearInterval(beat);
    expect(performance.now() - from).toBeLessThan(9_000);
    expect(longest).toBeLessThan(1_000);
    const waiting = write(ledger);
    other.exec("rollback");
    other.close();
    expect(await waiting).toBe(2);
    expect(await consistent(ledger)).toBe(2);
  });
});

describe("a ledger in a file that cannot be written", () => {
  it("refuses the write that finds the disk full, keeps those before whole, and is still read", async () => {
    const path = newPath();
    // Blocks of 1 KiB. What the kernel says is what it says of a disk that is full but for its name.
    const writer = startWriter("sqlite", { path }, { shell: "trap '' XFSZ; ulimit -f 400" });
    await writer.ended;
    const acknowledged = writer.acknowledged();
    expect(acknowledged).toBeGreaterThan(3);
    expect(writer.lines.slice(-2)).toEqual([
      expect.stringMatching(/^The store.*; nothing was changed\.$/),
      `read ${acknowledged}`,
    ]);
    const ledger = await openAt(path);
    expect(await consistent(ledger)).toBe(acknowledged);
    expect(await write(ledger)).toBe(acknowledged + 1);
  });

  it("is refused where its file is another user's", async () => {
    const path = newPath();
    await (await placeOf("sqlite", { path }).open()).close();
    chmodSync(path, 0o444);
    chmodSync(join(path, ".."), 0o555);
    // Root may write whatever the mode says.
    const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    const writer = startWriter("sqlite", { path, create: false }, user);
    await writer.ended;
    chmodSync(join(path, ".."), 0o755);
    expect(writer.lines).toEqual([`The store ${path} cannot be opened: attempt to write a readonly database.`]);
  });
});
