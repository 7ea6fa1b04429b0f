import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { LineWriter } from "./writer.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "polygate-writer-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

it("writes lines in their order, the few that are left included", async () => {
  const path = join(folder, "log");
  const writer = new LineWriter(openSync(path, "w"));
  const lines = Array.from({ length: 21 }, (_, n) => `${n} ${"é".repeat(700)}\n`);
  for (const line of lines) writer.write(line);
  await vi.waitFor(() => expect(readFileSync(path, "utf8")).toBe(lines.join("")));
  expect(writer.lost).toBe(0);
});

it("loses the lines of a full disk, counts them, and goes on", () => {
  const fd = openSync("/dev/full", "w");
  const writer = new LineWriter(fd);
  writer.write("one\n");
  writer.write("two\n");
  writer.flush();
  writer.write("three\n");
  writer.flush();
  closeSync(fd);
  expect(writer.lost).toBe(3);
});

it("loses lines rather than memory when nobody reads", () => {
  const fd = openSync("/dev/null", "w");
  const writer = new LineWriter(fd);
  const line = `${"x".repeat(1024 * 1024 - 1)}\n`;
  // Nothing comes back from the system before this function ends: 16 MiB wait behind the write under way.
  for (let n = 0; n < 40; n++) writer.write(line);
  expect(writer.lost).toBe(40 - 17);
});
