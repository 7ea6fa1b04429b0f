/** Every command and config of the README, as it stands there. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { polygate, startGateway } from "../support/gateway.ts";
import { clientSuite, type Tool } from "./tools.ts";

const run = promisify(execFile);
const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
const blocks = (kind: string) =>
  [...readme.matchAll(new RegExp(`\`\`\`${kind}\\n([\\s\\S]*?)\`\`\``, "g"))].map(([, text]) => text!.trim());

it.each(["curl", "grpcurl"])("has commands of %s", (program) => {
  expect(blocks("sh").some((text) => text.startsWith(`${program} `))).toBe(true);
});

for (const program of ["curl", "grpcurl"] as const satisfies readonly Tool[]) {
  clientSuite(program, `the README's ${program} commands`, (path) => {
    it.each(blocks("sh").filter((text) => text.startsWith(`${program} `)))("work: %s", async (text) => {
      await using gateway = await startGateway(undefined);
      const env = { ...process.env, PATH: `${dirname(path)}:${process.env["PATH"]}` };
      const { stdout } = await run("bash", ["-euc", text.replaceAll("127.0.0.1:5000", `127.0.0.1:${gateway.port}`)], {
        env,
      });
      // The words of a streamed answer come apart.
      expect(stdout.replaceAll(/[^A-Za-z]/g, "")).toContain("simulated");
    });
  });
}

it.each(blocks("yaml"))("has configs without a problem: %s", async (text) => {
  const folder = await mkdtemp(join(tmpdir(), "polygate-"));
  const path = join(folder, "polygate.yaml");
  await writeFile(path, text);
  const env = { OPENAI_API_KEY: "sk-of-a-test", POLYGATE_KEY_ANN: "a-key-that-is-long-enough" };
  expect(await polygate(["check", path], { env })).toMatchObject({ code: 0 });
  await rm(folder, { recursive: true });
});
