import type { RouteProblem } from "./admin/site.ts";
import { type BuildParts, build } from "./build.ts";
import { type Loaded, type Tools as LoadTools, load } from "./config/load.ts";
import { formatProblem, type Problem } from "./config/problems.ts";
import { storedRouteOf } from "./config/stored.ts";
import type { StoredRoute } from "./core/stored.ts";
import { kinds } from "./kinds.ts";
import { Dialer } from "./net/send.ts";

/** What routes are checked against. */
export interface CheckParts {
  readonly parts: BuildParts;
  /** The config that is live. */
  readonly loaded: Loaded;
  readonly known: ReadonlySet<string>;
  readonly serving: LoadTools["serving"];
}

/** Loads and compiles the live file with these routes of the API, and uses nothing of it. What is wrong with them. */
export async function checkRoutes(
  { parts, loaded: live, known, serving }: CheckParts,
  routes: readonly StoredRoute[],
): Promise<readonly RouteProblem[]> {
  const source = { file: live.file, text: live.text };
  const read = (stored?: readonly StoredRoute[]) => load(source, { kinds, known, stored, serving });
  const loaded = await read(routes);
  const theirs = loaded.problems.filter(isOfFile);
  // What is wrong with the file without them, such as a secret's file that is gone since, is not theirs.
  const own = new Set(theirs.length > 0 ? (await read()).problems.map(formatProblem) : []);
  const problems = loaded.problems.filter((one) => !isOfFile(one) || !own.has(formatProblem(one)));
  if (loaded.problems.length > 0) return problems.map(problemOf);
  const dialer = new Dialer();
  try {
    const stored = { live: { revision: 0, routes } };
    await build({ ...parts, dialer, hooks: [] }, { loaded, stored }, 0);
    return [];
  } catch (thrown) {
    return [{ route: "", field: "", description: thrown instanceof Error ? thrown.message : String(thrown) }];
  } finally {
    await dialer.close();
  }
}

const isOfFile = (problem: Problem): boolean => storedRouteOf(problem) === undefined;

function problemOf(problem: Problem): RouteProblem {
  const route = storedRouteOf(problem);
  if (route !== undefined) return { route, field: problem.path, description: problem.message };
  return { route: "", field: "", description: formatProblem(problem) };
}
