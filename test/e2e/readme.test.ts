/** Every command and config of the README, as it stands there. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { polygate, startGateway } from "../support/gateway.ts";
import { clientSuite, type Tool } from "./tools.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
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

describe("a package of somebody's own", { timeout: 60_000 }, () => {
  it("gets the TypeScript client by the commands, and the code compiles and runs", async () => {
    const [code, ...more] = blocks("ts");
    const install = blocks("sh").find((text) => text.includes("npm pack"))!;
    const [, tarball, named] = /npm install \.\.\/polygate\/(\S+) (.*)$/.exec(install)!;
    const imported = [...code!.matchAll(/from "((?:@[\w-]+\/)?[\w-]+)/g)].map(([, name]) => name!);
    expect(more).toEqual([]);
    expect(new Set(["polygate", ...named!.split(" ")])).toEqual(new Set(imported));

    await using gateway = await startGateway(undefined);
    const folder = await mkdtemp(join(tmpdir(), "polygate-"));
    // As npm would install them, less the network.
    const packages = join(folder, "node_modules");
    await mkdir(join(packages, "polygate"), { recursive: true });
    await run("npm", ["pack", "--pack-destination", folder], { cwd: ROOT });
    await run("tar", ["xzf", join(folder, tarball!), "--strip-components=1", "-C", join(packages, "polygate")]);
    for (const scope of ["@connectrpc", "@bufbuild", "@types", "undici-types"])
      await symlink(join(ROOT, "node_modules", scope), join(packages, scope));
    await writeFile(join(folder, "package.json"), '{"type":"module"}');
    await writeFile(join(folder, "index.ts"), code!.replace("127.0.0.1:5000", `127.0.0.1:${gateway.port}`));
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
    const flags = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2024", "--types", "node", "index.ts"];
    await run(process.execPath, [tsc, ...flags], { cwd: folder });
    const { stdout } = await run(process.execPath, ["index.ts"], { cwd: folder });
    expect(stdout.match(/simulated/g)).toHaveLength(2);
    await rm(folder, { recursive: true });
  });
});

it.each(blocks("yaml"))("has configs without a problem: %s", async (text) => {
  const folder = await mkdtemp(join(tmpdir(), "polygate-"));
  const path = join(folder, "polygate.yaml");
  await writeFile(path, text);
  const env = { OPENAI_API_KEY: "sk-of-a-test", POLYGATE_KEY_ANN: "a-key-that-is-long-enough" };
  expect(await polygate(["check", path], { env })).toMatchObject({ code: 0 });
  await rm(folder, { recursive: true });
});
