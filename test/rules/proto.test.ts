import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DescFile } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import { afterAll, describe, expect, it } from "vitest";
import { file_polygate_admin_v1_route_admin as admin } from "../../gen/polygate/admin/v1/route_admin_pb.js";
import { file_polygate_v1_chat as chat } from "../../gen/polygate/v1/chat_pb.js";
import { file_polygate_v1_completions as completions } from "../../gen/polygate/v1/completions_pb.js";
import { file_polygate_v1_embeddings as embeddings } from "../../gen/polygate/v1/embeddings_pb.js";
import { ErrorReasonSchema } from "../../gen/polygate/v1/errors_pb.js";
import { file_polygate_v1_predictions as predictions } from "../../gen/polygate/v1/predictions_pb.js";
import { file_polygate_v1_types as types } from "../../gen/polygate/v1/types_pb.js";
import { ERROR_REASONS } from "../../src/core/errors.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SLOW = 120_000;

const made: string[] = [];
afterAll(() => {
  for (const one of made) rmSync(one, { recursive: true, force: true });
});
function folder(): string {
  made.push(mkdtempSync(join(tmpdir(), "proto-rules-")));
  return made.at(-1)!;
}

/** Runs a program of the repository as `npm run` would. Its lines and its exit code, which is 0 alone for "good". */
function run(cwd: string, program: string, ...words: string[]): { code: number | null; said: string } {
  const path = [join(ROOT, "node_modules/.bin"), process.env["PATH"]].join(delimiter);
  // No author of the machine's own is needed, and no hook of it is run.
  const env = { ...process.env, PATH: path, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
  const { status, stdout, stderr } = spawnSync(program, words, { cwd, env, encoding: "utf8" });
  return { code: status, said: `${stdout}${stderr}` };
}

const filesOf = (root: string) =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name).slice(root.length))
    .sort();

describe("the protos", () => {
  it("keep to buf's style, with a comment on everything", { timeout: SLOW }, () => {
    expect(run(ROOT, "buf", "lint")).toEqual({ code: 0, said: "" });
  });

  it("are what gen/ was made from", { timeout: SLOW }, () => {
    const fresh = folder();
    expect(run(ROOT, "buf", "generate", "-o", fresh)).toEqual({ code: 0, said: "" });
    const [want, have] = [join(fresh, "gen"), join(ROOT, "gen")];
    expect(filesOf(have)).toEqual(filesOf(want));
    const stale = filesOf(want).filter(
      (path) => !readFileSync(join(want, path)).equals(readFileSync(join(have, path))),
    );
    expect(stale, "run npm run generate").toEqual([]);
  });

  it("have the reasons of the error table, in its order", () => {
    const names = ErrorReasonSchema.values.map((one) => one.name);
    expect(names).toEqual(["ERROR_REASON_UNSPECIFIED", ...ERROR_REASONS.map((reason) => `ERROR_REASON_${reason}`)]);
  });

  it("let a URL carry questions alone, and never a prompt", () => {
    const methods = [admin, chat, completions, embeddings, predictions].flatMap((file: DescFile) =>
      file.services.flatMap((service) => service.methods),
    );
    const inUrl = methods.filter((one) => one.idempotency === Idempotency.NO_SIDE_EFFECTS).map((one) => one.name);
    expect(inUrl).toEqual(methods.map((one) => one.name).filter((name) => /^(Get|List)/.test(name)));
  });

  it("have a place for unknown members in every message that mirrors one of OpenAI's", () => {
    // What wraps a list, what the gateway says itself, and what wraps a whole request.
    const others = /^(Texts|Tokens|TokenLists|TokenProbabilities|ContentParts|Served|Stream.*Request)$/;
    const mirrors = [types, chat, completions, embeddings]
      .flatMap((file) => file.messages)
      .filter((message) => !others.test(message.name));
    const without = mirrors.filter((message) => message.fields.find((one) => one.name === "extra")?.number !== 100);
    expect(without.map(String)).toEqual([]);
    expect(mirrors.length).toBeGreaterThan(30);
  });
});

describe("the check for breaking changes", () => {
  /** A repository of its own with these protos in its only commit, or an empty one. */
  function repository(...paths: string[]): string {
    const root = folder();
    for (const path of paths) cpSync(join(ROOT, path), join(root, path), { recursive: true });
    writeFileSync(join(root, "note"), "");
    symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"));
    for (const words of [["init", "-q", "-b", "main"], ["add", "note", ...paths], COMMIT]) {
      expect(run(root, "git", ...words).code, words.join(" ")).toBe(0);
    }
    return root;
  }
  const COMMIT = ["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "-m", "protos"];
  const check = (root: string) => run(root, process.execPath, join(ROOT, "scripts/breaking.ts"));
  const edit = (root: string, from: string, to: string) => {
    const path = join(root, "proto/polygate/v1/types.proto");
    const text = readFileSync(path, "utf8");
    expect(text).toContain(from);
    writeFileSync(path, text.replace(from, to));
  };

  it("names the field that callers would lose, and none that is new", { timeout: SLOW }, () => {
    const root = repository("proto", "src/providers", "buf.yaml");
    edit(root, "string target = 4;", "// New.\n  string region = 90;");
    const { code, said } = check(root);
    expect(said).toContain('"target" on message "Served" was deleted');
    expect(said).not.toContain("region");
    expect(code).toBe(100);
  });

  it("says so when there is nothing to compare with", { timeout: SLOW }, () => {
    expect(check(repository())).toEqual({ code: 0, said: "No earlier commit has protos: nothing can break.\n" });
  });
});
