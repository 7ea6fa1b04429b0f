import { load } from "./config/load.ts";
import { formatProblem } from "./config/problems.ts";
import { kinds } from "./kinds.ts";

/** Every problem and warning of some config files, one line each, and a line for each file that has none. */
export async function checkFiles(files: readonly string[]): Promise<{ lines: string[]; problems: number }> {
  const lines: string[] = [];
  let problems = 0;
  for (const file of files) {
    const loaded = await load(file, { kinds });
    problems += loaded.problems.length;
    lines.push(...loaded.problems.map(formatProblem));
    lines.push(...loaded.warnings.map((warning) => `${formatProblem(warning)} (warning)`));
    const { length } = loaded.config.routes;
    if (loaded.problems.length === 0) lines.push(`${file}: ok, ${length} route${length === 1 ? "" : "s"}`);
  }
  return { lines, problems };
}
