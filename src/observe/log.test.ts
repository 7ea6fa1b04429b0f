import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { createLog } from "./log.ts";

const MODULE = new URL("./log.ts", import.meta.url).href;

/** Arguments of a Node process that opens a log as `log` and does `then`. */
const program = (then: string) => [
  "--input-type=module",
  "--eval",
  `import { createLog } from ${JSON.stringify(MODULE)}; const log = createLog(); ${then}`,
];
const start = (then: string) => spawn(process.execPath, program(then), { stdio: ["ignore", "pipe", "inherit"] });

const numbers = (log: string) =>
  log
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { n: number }).n);

it("has written every line when the process exits", async () => {
  const child = start(`for (let n = 0; n < 100; n++) log.info({ n }, "line"); process.exit(0);`);
  expect(numbers(await text(child.stdout))).toEqual(Array.from({ length: 100 }, (_, n) => n));
});

it("has written every line to a file when the process exits", async () => {
  const folder = mkdtempSync(join(tmpdir(), "polygate-log-"));
  const path = join(folder, "log");
  const then = `for (let n = 0; n < 2000; n++) log.info({ n }, "line"); process.exit(0);`;
  const child = spawn(process.execPath, program(then), { stdio: ["ignore", openSync(path, "w"), "inherit"] });
  await once(child, "exit");
  expect(numbers(readFileSync(path, "utf8"))).toEqual(Array.from({ length: 2000 }, (_, n) => n));
  rmSync(folder, { recursive: true });
});

it("keeps the order of lines for a reader that comes late", async () => {
  const child = start(`for (let n = 0; n < 20000; n++) log.info({ n }, "line"); process.exit(0);`);
  await once(child.stdout, "readable");
  expect(numbers(await text(child.stdout))).toEqual(Array.from({ length: 20000 }, (_, n) => n));
});

it("writes the line of a quiet gateway without waiting for more", async () => {
  const child = start(`log.info({}, "alone"); setInterval(() => {}, 1000);`);
  const [chunk] = (await once(child.stdout, "data")) as [Buffer];
  child.kill();
  expect(JSON.parse(chunk.toString())).toMatchObject({ level: "info", msg: "alone" });
});

it("goes on when the reader of the log is gone", async () => {
  const child = start(`
    process.once("SIGUSR2", async () => {
      for (let n = 0; n < 50; n++) { log.info({ pad: "x".repeat(1000) }, "lost"); log.flush(); await 0; }
      setTimeout(() => process.exit(7), 50);
    });
    setInterval(() => {}, 1000);
    log.info({}, "ready");`);
  await once(child.stdout, "data");
  child.stdout.destroy();
  child.kill("SIGUSR2");
  expect(await once(child, "exit")).toEqual([7, null]);
});

it("keeps lines whole when two processes write to one pipe", async () => {
  const then = `
    for (let n = 0; n < 2000; n++) { log.info({ n, pad: "x".repeat(n) }, "line"); if (n % 10 === 0) await null; }
    log.flush();`;
  const both = 'node=$1; shift; "$node" "$@" & "$node" "$@"; wait';
  const child = spawn("sh", ["-c", both, "sh", process.execPath, ...program(then)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = (await text(child.stdout)).trimEnd().split("\n");
  const seen = lines.map((line) => (JSON.parse(line) as { n: number }).n);
  expect(seen).toHaveLength(4000);
});

it("writes nothing below its level, which can change", () => {
  const lines: string[] = [];
  const log = createLog({ level: "warn", to: { write: (line) => void lines.push(line) } });
  log.info({}, "no");
  expect(log.enabled("info")).toBe(false);
  log.level = "info";
  log.info({}, "yes");
  log.write("info", '"n":1', "by hand");
  log.level = "silent";
  log.error({}, "no");
  log.write("error", '"n":1', "no");
  expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(["yes", "by hand"]);
});

it("writes a line that was made by hand as it writes any other", () => {
  const lines: string[] = [];
  const log = createLog({ to: { write: (line) => void lines.push(line) } });
  for (let i = 0; i < 200; i++) {
    lines.length = 0;
    log.info({ n: i }, "request");
    log.write("info", `"n":${i}`, "request");
    const [other, own] = lines.map((line) => line.replace(/\d{3}Z/, "Z"));
    // A second may begin between the two.
    if (own!.slice(0, 50) !== other!.slice(0, 50)) continue;
    expect(own).toBe(other);
    expect(Date.parse((JSON.parse(lines[1]!) as { time: string }).time)).toBeGreaterThan(Date.now() - 1000);
  }
});
