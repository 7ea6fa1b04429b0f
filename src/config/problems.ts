/** Where something stands in a file: line and column from 1, the column in UTF-16 units. Line 0: the file as a whole. */
export interface Place {
  readonly line: number;
  readonly column: number;
  /** Of a route of the admin API: what stands for the file's name, and where the route's own paths begin. */
  readonly stored?: { readonly file: string; readonly base: string };
}

/** One thing that is wrong, or doubtful, in a config file. */
export interface Problem {
  readonly line: number;
  readonly column: number;
  readonly file: string;
  /** Path of the key, such as `routes[0].model.provider`; empty for the file as a whole. */
  readonly path: string;
  /** `what; what to do`, never a secret's value. */
  readonly message: string;
}

/** The place of a problem that has none, such as a file that is not there. */
export const WHOLE_FILE: Place = { line: 0, column: 0 };

/**
 * Collects the problems and warnings of one file. At most 1,000 of each are kept: nobody reads more, and a hostile file
 * could have as many as it has lines.
 */
export class Report {
  readonly file: string;
  private readonly wrong: Problem[] = [];
  private readonly doubtful: Problem[] = [];
  private readonly excused = new Set<string>();
  private readonly paths = new Set<string>();

  constructor(file: string) {
    this.file = file;
  }

  /** In the order of the file. */
  get problems(): readonly Problem[] {
    return this.wrong.toSorted(byPlace);
  }

  /** In the order of the file. */
  get warnings(): readonly Problem[] {
    return this.doubtful.toSorted(byPlace);
  }

  /** True once no further problem is kept; work that only finds more of them can stop. */
  get full(): boolean {
    return this.wrong.length >= 1000;
  }

  problem(at: Place, path: string, message: string): void {
    if (this.full) return;
    this.wrong.push(this.entry(at, path, message));
    this.paths.add(path);
  }

  warn(at: Place, path: string, message: string): void {
    if (this.doubtful.length < 1000) this.doubtful.push(this.entry(at, path, message));
  }

  /** Notes that an unknown key explains what is missing: `path` is the key that was meant, or else the table it stands in. */
  excuse(path: string): void {
    this.excused.add(path);
  }

  /** Whether what is missing at one of the paths is explained by a problem that was reported: one cause is told once. */
  explains(...paths: readonly string[]): boolean {
    return paths.some((path) => this.excused.has(path));
  }

  /** Whether a problem of exactly this path was reported, so that its consequences need no report of their own. */
  has(path: string): boolean {
    return this.paths.has(path);
  }

  private entry({ line, column, stored }: Place, path: string, message: string): Problem {
    if (stored === undefined) return { file: this.file, line, column, path, message };
    const own = path.startsWith(stored.base) ? path.slice(stored.base.length).replace(/^\./, "") : path;
    return { file: stored.file, line, column, path: own, message };
  }
}

/** `path.key`; a key that is not a plain word is quoted, and cut when it is long. */
export function keyPath(path: string, key: string): string {
  const step = /^[\w-]{1,64}$/.test(key) ? key : JSON.stringify(key.length > 64 ? `${key.slice(0, 64)}...` : key);
  return path === "" ? step : `${path}.${step}`;
}

/** `file:line:col path: what; what to do`; without the parts that a problem of a whole file does not have. */
export function formatProblem({ file, line, column, path, message }: Problem): string {
  const place = line > 0 ? `${file}:${line}:${column}` : file;
  return path === "" ? `${place}: ${message}` : `${place} ${path}: ${message}`;
}

/** One line each, in the order of the file; past `most` lines, how many more there are. */
export function formatProblems(problems: readonly Problem[], most = 50): string {
  const sorted = problems.toSorted(byPlace);
  const lines = sorted.slice(0, most).map(formatProblem);
  if (sorted.length > most) lines.push(`... and ${sorted.length - most} more`);
  return lines.join("\n");
}

const byPlace = (a: Omit<Place, "stored">, b: Omit<Place, "stored">): number => a.line - b.line || a.column - b.column;
