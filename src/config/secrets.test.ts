import { join, resolve } from "node:path";
import { type DescMessage, type JsonValue, toJson } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { describeMessage } from "../../test/support/descriptor.ts";
import { folderOf } from "../../test/support/folder.ts";
import { decode } from "./decode.ts";
import { Files } from "./files.ts";
import { Origins } from "./origins.ts";
import { formatProblem, Report } from "./problems.ts";
import { type Environment, redact, resolveSecrets } from "./secrets.ts";
import { parseYaml } from "./yaml.ts";

const KEY = describeMessage({ key: { secret: true }, note: {} });
const WARNING =
  "taken as the secret itself, for no file has this name; better is $NAME for an environment variable, or a file's path";

const UNSURE =
  "no file has this name; correct the path, or put the secret into an environment variable ($NAME) or a file if this is it";

interface Outcome {
  readonly json: JsonValue;
  readonly problems: string[];
  readonly warnings: string[];
  readonly files: string[];
}

async function resolved(desc: DescMessage, yaml: string, folder = "/nowhere", env: Environment = {}): Promise<Outcome> {
  const report = new Report("f.yaml");
  const origins = new Origins();
  const message = decode(desc, parseYaml(yaml, report)!, "", report, origins);
  const files = new Files();
  await resolveSecrets(desc, message, origins, { env, files, folder, known: new Set() }, report);
  return {
    json: toJson(desc, message),
    problems: report.problems.map(formatProblem),
    warnings: report.warnings.map(formatProblem),
    files: files.paths,
  };
}

describe("resolveSecrets takes a secret from", () => {
  it("the environment, without a final newline, and does not follow what it finds there", async () => {
    const env = { A: "sk-a\n", B: "$A" };
    expect(await resolved(KEY, "key: $A\nnote: $A\n", undefined, env)).toEqual({
      json: { key: "sk-a", note: "$A" },
      problems: [],
      warnings: [],
      files: [],
    });
    expect((await resolved(KEY, "key: $B", undefined, env)).json).toEqual({ key: "$A" });
  });

  it.each([
    ["sk-a\n", "sk-a"],
    ["sk-a\r\n", "sk-a"],
    ["sk-a\n\n", "sk-a\n"],
    ["\uFEFFsk-a", "sk-a"],
    [" sk a ", " sk a "],
  ])("a file that holds %j, as %j, and the file is to be watched", async (content, key) => {
    const folder = folderOf({ "keys/openai": content });
    for (const path of ["keys/openai", "./keys/openai", join(folder, "keys/openai")]) {
      expect(await resolved(KEY, `key: ${path}`, folder)).toEqual({
        json: { key },
        problems: [],
        warnings: [],
        files: [join(folder, "keys/openai")],
      });
    }
  });

  it("the working directory where the config's folder has no such file, as MLflow does", async () => {
    const { files, warnings } = await resolved(KEY, "key: package.json");
    expect({ files, warnings }).toEqual({ files: [join(process.cwd(), "package.json")], warnings: [] });
  });

  it("the text itself, with a warning, however long or odd it is", async () => {
    const folder = folderOf({ "folder/file": "x" });
    const inline = [
      "sk-a",
      "x".repeat(300),
      "x".repeat(100_000),
      "wJalrXUtnFEMI/K7MDENGbPxRfiCYzL4a9Q2vKtS",
      "folder",
      "a b",
      "..",
      "日本",
    ];
    for (const key of inline) {
      expect(await resolved(KEY, `key: ${JSON.stringify(key)}`, folder), key.slice(0, 20)).toEqual({
        json: { key },
        problems: [],
        warnings: [`f.yaml:1:6 key: ${WARNING}`],
        files: [],
      });
    }
  });

  it("each of these at any depth, in lists and in maps", async () => {
    const desc = describeMessage(
      {
        list: { repeated: true, secret: true },
        map: { map: true, secret: true },
        inner: { of: "Inner" },
        many: { of: "Inner", repeated: true },
      },
      { Inner: { key: { secret: true } } },
    );
    const yaml = "list: [$A, $B]\nmap: {x: $A, y: $NO}\ninner: {key: $A}\nmany:\n  - key: $B\n  - key: $NO\n";
    const { json, problems } = await resolved(desc, yaml, undefined, { A: "sk-a", B: "sk-b" });
    expect(json).toEqual({
      list: ["sk-a", "sk-b"],
      map: { x: "sk-a", y: "$NO" },
      inner: { key: "sk-a" },
      many: [{ key: "sk-b" }, { key: "$NO" }],
    });
    expect(problems).toEqual([
      "f.yaml:2:6 map.y: the environment variable NO is not set; set it",
      "f.yaml:6:10 many[1].key: the environment variable NO is not set; set it",
    ]);
  });
});

describe("resolveSecrets reports, and never with a value,", () => {
  // biome-ignore-start lint/suspicious/noTemplateCurlyInString: a reference that MLflow's users may try
  it.each([
    ["$NO", "the environment variable NO is not set; set it"],
    ["$EMPTY", "the environment variable EMPTY is empty; set it"],
    ["$toString", "the environment variable toString is not set; set it"],
    ["${SET}", "braces are not understood; write $SET"],
    ["$sk-canary!", "what follows $ is no variable's name; a secret that starts with $ goes into a file"],
    ["$", "what follows $ is no variable's name; a secret that starts with $ goes into a file"],
    // biome-ignore-end lint/suspicious/noTemplateCurlyInString: up to here
  ])("%s", async (reference, problem) => {
    const { problems } = await resolved(KEY, `key: '${reference}'`, undefined, { SET: "sk-canary", EMPTY: "" });
    expect(problems).toEqual([`f.yaml:1:6 key: ${problem}`]);
  });

  it("a file that is empty, too large, or missing from a place that is there, and watches it", async () => {
    const folder = folderOf({ empty: "\n", large: Buffer.alloc(5 * 1024 * 1024) });
    for (const [name, why] of [
      ["empty", "is empty; write the secret into it"],
      ["large", "larger than 4 MiB; make it smaller"],
      ["missing", "no such file; check the path"],
      ["no/such/folder", "no such file; check the path"],
    ]) {
      const path = join(folder, name!);
      const { problems, files } = await resolved(KEY, `key: ${path}`, folder);
      const colon = name === "empty" ? "" : ":";
      expect({ problems, files }).toEqual({
        problems: [`f.yaml:1:6 key: the file ${path}${colon} ${why}`],
        files: [path],
      });
    }
  });

  it.each(["keys/openai", "/no_such_folder/key", "abc/DEF+123==", "openai.key"])(
    "%s, which may be a file that is missing or the secret itself, without a word of it, and watches it",
    async (text) => {
      const { problems, warnings, files } = await resolved(KEY, `key: ${text}`);
      expect({ problems, warnings, files }).toEqual({
        problems: [`f.yaml:1:6 key: ${UNSURE}`],
        warnings: [],
        files: [resolve("/nowhere", text)],
      });
    },
  );
});

describe("redact", () => {
  it("hides every secret at any depth in a copy, and nothing else", async () => {
    const desc = describeMessage(
      {
        key: { secret: true },
        note: {},
        list: { repeated: true, secret: true },
        map: { map: true, secret: true },
        many: { of: "Inner", repeated: true },
      },
      { Inner: { key: { secret: true }, name: {} } },
    );
    const report = new Report("f");
    const yaml =
      "key: sk-canary\nnote: n\nlist: [sk-canary, sk-canary]\nmap: {k: sk-canary}\nmany: [{key: sk-canary, name: m}, {name: o}]\n";
    const message = decode(desc, parseYaml(yaml, report)!, "", report, new Origins());
    const whole = toJson(desc, message);
    expect(toJson(desc, redact(desc, message))).toEqual({
      key: "***",
      note: "n",
      list: ["***", "***"],
      map: { k: "***" },
      many: [{ key: "***", name: "m" }, { name: "o" }],
    });
    expect(toJson(desc, message)).toEqual(whole);
  });
});
