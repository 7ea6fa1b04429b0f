/** Follows docs/adding-a-provider.md to its end, in a copy of the sources. */
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);
let folder: string;

interface Report {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "polygate-provider-"));
  const needed =
    "src gen proto test/contract test/support buf.yaml buf.gen.yaml package.json tsconfig.json vitest.config.ts";
  for (const name of needed.split(" ")) await cp(join(ROOT, name), join(folder, name), { recursive: true });
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

it("the page makes a provider that passes the contract, and compiles", { timeout: 180_000 }, async () => {
  const page = await readFile(join(ROOT, "docs/adding-a-provider.md"), "utf8");
  const files = [...page.matchAll(/^`(src\/providers\/acme\/[^`]+)`:\n\n```\w+\n(.*?)^```$/gms)];
  expect(files.map(([, name]) => name)).toHaveLength(5);
  for (const [, name, text] of files) {
    const path = join(folder, name!);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text!);
  }
  const bin = (name: string) => join(ROOT, "node_modules/.bin", name);
  const env = { ...process.env, PATH: `${join(ROOT, "node_modules/.bin")}:${process.env["PATH"]}` };
  await run(bin("buf"), ["generate"], { cwd: folder, env });
  await run(bin("buf"), ["lint", "--path", "src/providers/acme"], { cwd: folder, env });
  await run(process.execPath, [bin("tsc"), "--noEmit", "-p", "tsconfig.json"], { cwd: folder, env }).catch(
    (error: { stdout: string }) => {
      expect(error.stdout.split("\n").filter((line) => line.includes("providers/acme"))).toEqual([]);
    },
  );
  const vitest = ["run", "test/contract", "-t", "acme", "--reporter=json", "--outputFile=report.json"];
  await run(process.execPath, [bin("vitest"), ...vitest], { cwd: folder, env }).catch(() => undefined);
  const report = JSON.parse(await readFile(join(folder, "report.json"), "utf8")) as Report;
  const failed = report.testResults.flatMap(({ assertionResults: all }) =>
    all.filter(({ status }) => status === "failed"),
  );
  expect(failed.map(({ fullName, failureMessages: [why] }) => `${fullName}: ${why}`)).toEqual([]);
  expect(report.numPassedTests).toBeGreaterThan(60);
});
