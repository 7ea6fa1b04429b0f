/** The commands that ask a running gateway, as processes of their own. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, polygate, startGateway } from "../support/gateway.ts";

const SIMULATED = "model: {provider: simulator, name: simulator-chat}";
const CONFIG = `routes:\n  - name: own\n    route_type: llm/v1/chat\n    ${SIMULATED}\n`;
const CANARY = "sk-canary-5b1c0d";
const route = (name: string, model: string) =>
  `- name: ${name}\n  route_type: llm/v1/chat\n  labels: {team: search}\n  model: {provider: openai, name: ${model}, config: {openai_api_key: $CANARY}}\n`;

let gateway: Gateway;
let folder: string;
let file: string;
const ask = (...args: readonly string[]) => {
  return polygate(args, { env: { POLYGATE_URL: gateway.url, CANARY } });
};
const apply = async (text: string, ...flags: readonly string[]) => {
  await writeFile(file, text);
  return ask("routes", "apply", "-f", file, ...flags);
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "polygate-commands-"));
  file = join(folder, "routes.yaml");
  gateway = await startGateway(CONFIG);
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

describe("routes", () => {
  it("are applied from a file, listed, shown masked and compared", async () => {
    await writeFile(file, route("chat", "gpt-a"));
    expect(await ask("routes", "diff", "-f", file)).toMatchObject({
      code: 1,
      out: expect.stringContaining("+ chat\n") as string,
    });
    expect(await apply(route("chat", "gpt-a"), "--dry-run")).toMatchObject({
      code: 0,
      out: "created chat (dry run)\n",
    });
    expect(await apply(route("chat", "gpt-a"), "--reason", "a first one")).toMatchObject({
      code: 0,
      out: "created chat\n",
    });
    expect(await ask("routes", "diff", "-f", file)).toMatchObject({ code: 0, out: "" });
    const { out } = await ask("routes", "list", "--filter", 'labels.team = "search"', "-o", "json");
    expect(JSON.parse(out)).toMatchObject([{ name: "chat", author: "anonymous", source: { api: true } }]);
    const shown = await ask("routes", "get", "chat");
    expect(shown.out).toMatch(/openai_api_key: "?\*{3}[0-9a-f]{8}/);
    expect(shown.out + shown.err + gateway.log).not.toContain(CANARY);
  });

  it("have a history that is gone back in", async () => {
    await apply(route("chat", "gpt-b"), "--reason", "a second one");
    const { out } = await ask("routes", "history", "chat", "-o", "json");
    const [newest, before] = JSON.parse(out) as { number: string; reason: string; cause: string }[];
    expect([newest?.reason, before?.reason, newest?.cause]).toEqual(["a second one", "a first one", "CAUSE_UPDATE"]);
    expect((await ask("routes", "changes", before!.number)).out).toContain('model.name: "gpt-a" -> "gpt-b"');
    expect(await ask("routes", "rollback", before!.number)).toMatchObject({ code: 0 });
    expect((await ask("routes", "get", "chat")).out).toContain("name: gpt-a");
  });

  it("are explained, with secrets masked", async () => {
    const body = JSON.stringify({ model: "chat", messages: [{ role: "user", content: "Hello" }] });
    const { code, out } = await ask("routes", "explain", "-d", body);
    expect([code, out]).toEqual([0, expect.stringContaining("POST https://api.openai.com/v1/chat/completions")]);
    expect(out).not.toContain(CANARY);
  });

  it("are watched from a revision on, until Ctrl-C", async () => {
    const { code, out } = await polygate(["routes", "watch", "--after", "0", "--timeout", "1"], {
      env: { POLYGATE_URL: gateway.url },
      interruptOn: /revision 2/,
    });
    expect([code, out]).toEqual([
      0,
      expect.stringMatching(/^revision 1 by file\n\+ own\n.*revision 2 by anonymous\n\+ chat/s),
    ]);
  });

  it("are deleted, and pruned", async () => {
    await apply(route("chat", "gpt-a") + route("other", "gpt-a"));
    expect(await apply(route("chat", "gpt-a"), "--prune")).toMatchObject({ code: 0, out: "deleted other\n" });
    expect(await ask("routes", "delete", "chat")).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^deleted chat \(revision \d+\)\n$/) as string,
    });
  });
});

describe("exit codes say what happened", () => {
  it.each([
    ["what is not there", ["routes", "get", "none"], 3, /No route is named "none"/],
    ["a route of the file", ["routes", "delete", "own"], 5, /polygate\.yaml:2/],
    ["a file that cannot be read", ["routes", "apply", "-f", "/none"], 2, /cannot be read \(ENOENT\)/],
    ["a filter that cannot be read", ["routes", "list", "--filter", "=="], 2, /filter/],
    ["a scope that is none", ["keys", "create", "x", "--scope", "all"], 2, /want inference or admin/],
    ["a revision that is none", ["routes", "rollback", "x"], 2, /no revision/],
    ["a gateway that is not there", ["routes", "list", "--server", "http://127.0.0.1:9"], 6, /No gateway answers at/],
    ["a server that is no URL", ["routes", "list", "--server", "localhost:5000"], 2, /is no URL/],
  ] as const)("of %s", async (_, args, code, words) => {
    const ended = await ask(...args);
    expect([ended.code, ended.out]).toEqual([code, ""]);
    expect(ended.err).toMatch(words);
  });
});

it("keys are made, shown once, rotated, revoked and written down", async () => {
  const made = await ask(
    "keys",
    "create",
    "search",
    "--scope",
    "inference:chat@own",
    "--team",
    "search",
    "--expires",
    "30d",
  );
  expect(made).toMatchObject({ code: 0, out: expect.stringMatching(/^pg_[a-z2-7]{12}_[\w-]{43}\n$/) as string });
  const id = made.out.split("_")[1]!;
  const rotated = await ask("keys", "rotate", id, "--overlap", "1h", "-o", "json");
  const { key, replaced } = JSON.parse(rotated.out) as { key: { id: string }; replaced: { replaced_by: string } };
  expect(replaced.replaced_by).toBe(key.id);
  expect(await ask("keys", "revoke", key.id)).toMatchObject({ code: 0, out: `revoked ${key.id}\n` });
  const listed = await ask("keys", "list");
  expect(listed.out).toMatch(new RegExp(`${key.id} +search +revoked +inference:chat@own`));
  expect(listed.out + gateway.log).not.toContain(made.out.trim());
  expect((await ask("audit", "list", "--limit", "3")).out).toMatch(/KeyAdminService\/RevokeKey +keys\/\w+ +ok/);
  expect((await ask("audit", "verify")).out).toMatch(/^all \d+ events are as they were written\n$/);
  expect((await ask("audit", "export")).out.trim().split("\n").length).toBeGreaterThan(5);
});

it("a store is sealed anew, and opens with the new key alone", async () => {
  await using own = await startGateway(CONFIG);
  const asking = { env: { POLYGATE_URL: own.url, CANARY } };
  await writeFile(file, route("sealed", "gpt-a"));
  await polygate(["routes", "apply", "-f", file], asking);
  const key = join(dirname(own.configPath), "polygate.db.key");
  const before = await readFile(key, "utf8");
  expect(await polygate(["store", "reseal", "--config-path", own.configPath])).toMatchObject({
    code: 0,
    err: expect.stringMatching(/^\d+ secrets are sealed anew\n$/) as string,
  });
  expect(await readFile(key, "utf8")).not.toBe(before);
  await writeFile(key, before);
  const refused = await polygate(["start", "--config-path", own.configPath, "--port", "0"]);
  expect(refused).toMatchObject({ code: 2, err: expect.stringContaining("encryption_key is another one") as string });
});
