import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { CASES, type Case } from "./cases.ts";
import { Field } from "./field.ts";
import { options, USAGE } from "./options.ts";
import { resources } from "./resources.ts";
import { type Row, render } from "./table.ts";

/**
 * Measures the CPU per call of the compiled gateway, of the bare forwarder and of the proxies that are installed, and prints
 * one table. Never fails because of a figure. What the columns mean is in docs/performance.md.
 */

const settings = options(process.argv.slice(2));
if (settings === undefined) process.stdout.write(USAGE);
else {
  const folder = mkdtempSync(join(tmpdir(), "polygate-bench-"));
  try {
    process.stdout.write(`${await bench(settings, folder)}\n`);
  } finally {
    progress("");
    rmSync(folder, { recursive: true, force: true });
  }
}

async function bench(given: NonNullable<typeof settings>, folder: string): Promise<string> {
  const entry = given.entry === undefined ? built() : resolve(given.entry);
  await using field = await Field.open({ ...given, entry, folder });
  const wanted = (id: string) => given.only.length === 0 || given.only.includes(id);
  const rows: Row[] = [];
  for (const one of CASES.filter(({ id }) => wanted(id))) rows.push(await measured(field, one, given));
  if (wanted("resources")) rows.push(...(await resources(field, given.rounds, progress)));
  const others = field.subjects.map(({ name }) => name).filter((name) => name !== "gateway" && name !== "bare");
  return render(rows, others, given.markdown);
}

async function measured(field: Field, one: Case, { rounds, requests }: NonNullable<typeof settings>): Promise<Row> {
  const row = { title: one.title, unit: `us a ${one.unit}`, goal: one.goal };
  const none = (note: string): Row => ({ ...row, figures: new Map(), note });
  if (one.needs !== undefined && !field.features.has(one.needs)) return none("not yet");
  const works = await field.probe(one);
  if (works !== true) return none(`not yet: ${works}`.slice(0, 60));
  try {
    return { ...row, figures: await turns(field, one, rounds, requests) };
  } catch (thrown) {
    // One broken row must not cost the others.
    return none(`failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`.slice(0, 120));
  }
}

async function turns(field: Field, one: Case, rounds: number, requests: number): Promise<Map<string, number[]>> {
  const figures = new Map<string, number[]>();
  for (const { name } of field.subjects) {
    progress(`${one.id}: warming ${name}`);
    await field.warm(name, one);
    figures.set(name, []);
  }
  for (let round = 1; round <= rounds; round++) {
    for (const { name } of field.subjects) {
      progress(`${one.id}: round ${round} of ${rounds}, ${name}`);
      figures.get(name)!.push(await field.cpu(name, one, requests));
    }
  }
  return figures;
}

/** Compiles what is in `src` now. */
function built(): string {
  progress("compiling");
  const root = fileURLToPath(new URL("..", import.meta.url));
  execFileSync(process.execPath, [join(root, "scripts/build.ts")], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
  });
  return join(root, "dist/main.js");
}

/** One line that rewrites itself, for a person who waits. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
