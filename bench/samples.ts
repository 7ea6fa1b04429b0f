/** What V8's CPU profiler gives. https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile */
export interface Profile {
  readonly nodes: readonly ProfileNode[];
  /** Ids of nodes, one for each sample, and the microseconds before each. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    /** From 0. */
    readonly lineNumber: number;
  };
  readonly children?: readonly number[];
}

type Ranked = readonly (readonly [name: string, us: number])[];

/** Microseconds a unit, the dearest first. */
export interface Costs {
  readonly self: Ranked;
  readonly byFile: Ranked;
  /** The gateway's own functions with all that they call, once each however deep they call themselves. */
  readonly total: Ranked;
}

/** @param used What one unit took; it is shared out over the samples in which the process was not idle. */
export function costs({ nodes, samples, timeDeltas }: Profile, used: number): Costs {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map<number, number>();
  for (const node of nodes) for (const child of node.children ?? []) parents.set(child, node.id);
  const spent = new Map<number, number>();
  let busy = 0;
  samples.forEach((id, i) => {
    if (byId.get(id)!.callFrame.functionName === "(idle)") return;
    const us = timeDeltas[i + 1] ?? 0;
    busy += us;
    add(spent, id, us);
  });
  const self = new Map<string, number>();
  const byFile = new Map<string, number>();
  const total = new Map<string, number>();
  for (const [id, us] of spent) {
    const share = (us / busy) * used;
    add(self, nameOf(byId.get(id)!), share);
    add(byFile, fileOf(byId.get(id)!), share);
    const seen = new Set<string>();
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const node = byId.get(at)!;
      if (isOurs(node)) seen.add(nameOf(node));
    }
    for (const name of seen) add(total, name, share);
  }
  return { self: ranked(self), byFile: ranked(byFile), total: ranked(total) };
}

function add<Key>(to: Map<Key, number>, key: Key, us: number): void {
  to.set(key, (to.get(key) ?? 0) + us);
}

function ranked(all: ReadonlyMap<string, number>): Ranked {
  return [...all].sort(([, a], [, b]) => b - a);
}

function isOurs({ callFrame: { url } }: ProfileNode): boolean {
  return url.startsWith("file:") && !url.includes("/node_modules/");
}

function nameOf(node: ProfileNode): string {
  const { functionName, url, lineNumber } = node.callFrame;
  const name = functionName === "" ? "(anonymous)" : functionName;
  return url === "" ? name : `${name}  ${placeOf(url)}:${lineNumber + 1}`;
}

function fileOf({ callFrame: { functionName, url } }: ProfileNode): string {
  return url === "" ? functionName : placeOf(url).replace(/^(node_modules\/(?:@[^/]+\/)?[^/]+).*/, "$1");
}

/** Without the folders above the repository or above `node_modules`. */
function placeOf(url: string): string {
  return url.replace(/^file:\/\/.*?\/(?=(?:node_modules|src|dist|gen)\/)/, "");
}
