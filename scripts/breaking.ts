/**
 * Tells whether the protos here break callers of an earlier commit. Works offline, on git and buf alone; run it in the
 * repository's root. Exit 0: nothing breaks, or there is nothing to compare with; buf's own code: something breaks.
 *
 * `node scripts/breaking.ts [COMMIT]` - without a commit: where this branch left `main`; on `main` itself, its newest
 * commit while protos are being changed; once they are committed, the last release (a tag such as v1.2.0), or before the
 * first release the commit before.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";

const PROTOS = ["proto", "src/**/*.proto", "buf.yaml"];
const ARCHIVED = ["proto", "src", "buf.yaml"];

/** What git says, or `undefined` when it fails. */
function git(...words: string[]): string | undefined {
  const { status, stdout } = spawnSync("git", words, { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

function baseCommit(): string | undefined {
  const head = git("rev-parse", "HEAD");
  const main = ["origin/main", "main"].find((name) => git("rev-parse", "--verify", "--quiet", name));
  const fork = main && git("merge-base", "HEAD", main);
  if (fork && fork !== head) return fork;
  if (git("status", "--porcelain", "--", ...PROTOS)) return head;
  return git("describe", "--tags", "--abbrev=0", "--match=v*", "HEAD~1") || git("rev-parse", "--verify", "HEAD~1");
}

function check(base: string, into: string): number {
  const held = ARCHIVED.filter((path) => git("cat-file", "-e", `${base}:${path}`) !== undefined);
  const archive = execFileSync("git", ["archive", base, ...held], { maxBuffer: 2 ** 30 });
  execFileSync("tar", ["-x", "-C", into], { input: archive });
  // Images, not folders: buf compares folders only if they have the same modules.
  const [before, now] = [join(into, "before.binpb"), join(into, "now.binpb")];
  execFileSync("buf", ["build", into, "-o", before], { stdio: "inherit" });
  execFileSync("buf", ["build", ".", "-o", now], { stdio: "inherit" });
  const config = join(into, "breaking.yaml");
  writeFileSync(config, JSON.stringify(configOfImages()));
  return spawnSync("buf", ["breaking", now, "--against", before, "--config", config], { stdio: "inherit" }).status ?? 1;
}

/** The rules of `buf.yaml`, with paths as they are in an image: relative to their module. */
function configOfImages(): object {
  const { modules, breaking } = parse(readFileSync("buf.yaml", "utf8")) as {
    modules: { path: string }[];
    breaking: { use: string[]; ignore: string[] };
  };
  const inModule = (path: string) => {
    const module = modules.find((one) => path.startsWith(`${one.path}/`));
    return module ? path.slice(module.path.length + 1) : path;
  };
  return { version: "v2", breaking: { use: breaking.use, ignore: breaking.ignore.map(inModule) } };
}

const asked = process.argv[2];
const base = asked ? git("rev-parse", "--verify", `${asked}^{commit}`) : baseCommit();
if (asked && !base) {
  console.error(`There is no commit ${asked}.`);
  process.exitCode = 2;
} else if (base === undefined || git("cat-file", "-e", `${base}:proto`) === undefined) {
  console.log("No earlier commit has protos: nothing can break.");
} else {
  const into = mkdtempSync(join(tmpdir(), "breaking-"));
  try {
    process.exitCode = check(base, into);
    const verdict = process.exitCode === 0 ? "Nothing breaks" : "The protos break";
    console.log(`${verdict} the callers of ${git("log", "-1", "--format=%h %s", base)}.`);
  } finally {
    rmSync(into, { recursive: true, force: true });
  }
}
