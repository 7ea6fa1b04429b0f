/** The config and the code of docs/anthropic.md, as they stand there. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { canned } from "../support/canned.ts";
import { cannedAnthropic } from "../support/fake-anthropic.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { clientSuite } from "./tools.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const page = readFileSync(join(ROOT, "docs/anthropic.md"), "utf8");
const block = (kind: string) => new RegExp(`\`\`\`${kind}\\n([\\s\\S]*?)\`\`\``).exec(page)![1]!;
const KEYS = {
  POLYGATE_KEY_ANN: "a-key-that-is-long-enough",
  ANTHROPIC_API_KEY: "sk-ant-of-a-test",
  OPENAI_API_KEY: "sk-of-a-test",
};

let claude: FakeUpstream;
let gpt: FakeUpstream;
let gateway: Gateway;
let folder: string;

beforeAll(async () => {
  claude = await fakeUpstream(cannedAnthropic);
  gpt = await fakeUpstream(canned);
  const config = block("yaml")
    .replace("$ANTHROPIC_API_KEY }", `$ANTHROPIC_API_KEY, base_url: "${claude.url}" }`)
    .replace("$OPENAI_API_KEY }", `$OPENAI_API_KEY, base_url: "${gpt.url}/v1" }`);
  gateway = await startGateway(config, { env: KEYS });
  folder = await mkdtemp(join(tmpdir(), "polygate-"));
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await Promise.all([claude?.close(), gpt?.close()]);
  await rm(folder, { recursive: true });
});

/** The code, asking the gateway of the test; what it prints. */
async function printed(program: string, name: string, code: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, code.replace("127.0.0.1:5000", `127.0.0.1:${gateway.port}`));
  return (await run(program, [path], { cwd: folder, env: { ...process.env, ...KEYS } })).stdout;
}

it("has code for Node that compiles and prints what both routes say", async () => {
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  const out = await printed(process.execPath, "ask.ts", block("ts"));
  expect(out).toMatch(/Hello! .*\nclaude: end_turn, 14 tokens\n.*\ngpt: end_turn, 12 tokens\n$/);
  const flags = [
    "--noEmit",
    "--strict",
    "--module",
    "nodenext",
    "--target",
    "es2024",
    "--types",
    "node",
    "--skipLibCheck",
  ];
  await run(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), ...flags, "ask.ts"], { cwd: folder });
});

clientSuite("Python with openai and grpcio", "docs/anthropic.md", (python) => {
  it("has code for Python that prints what the route says", async () => {
    expect(await printed(python, "ask.py", block("python"))).toMatch(/\S.* 12\n$/);
  });
});
