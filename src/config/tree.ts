import { isAlias, isMap, isScalar, type ParsedNode, type YAMLMap, type YAMLSeq, type Scalar as YamlScalar } from "yaml";
import { keyPath, type Place, type Report } from "./problems.ts";

/** A YAML value with its place. Aliases and merge keys are resolved; a table's keys are unique, in the file's order. */
export type Node = Scalar | List | Table;

/** A value that holds no others. */
export interface Scalar {
  readonly kind: "scalar";
  readonly at: Place;
  /** A `bigint` where a whole number would be rounded. */
  readonly value: string | number | bigint | boolean | null;
}

/** A sequence. */
export interface List {
  readonly kind: "list";
  readonly at: Place;
  readonly items: readonly Node[];
}

/** A mapping. */
export interface Table {
  readonly kind: "table";
  readonly at: Place;
  readonly entries: ReadonlyMap<string, Entry>;
}

/** One key of a table, and what stands behind it. */
export interface Entry {
  /** Where the key stands. */
  readonly at: Place;
  readonly value: Node;
}

/** Whether nothing stands behind a key. */
export const isNull = (node: Node): boolean => node.kind === "scalar" && node.value === null;

/** Values of a whole file, each alias counted as all that it stands for. Decoding takes about 2 us for each. */
const MAX_VALUES = 100_000;
const MAX_DEPTH = 100;

const CORE = ["str", "int", "float", "bool", "null", "map", "seq"];
const TAGS = new Set(["!", ...CORE.map((name) => `tag:yaml.org,2002:${name}`)]);

/** A node with what an alias to it costs. */
interface Measured {
  readonly node: Node;
  readonly values: number;
  readonly height: number;
}

/**
 * The parser's nodes as a tree of ours. Refuses, with its place, what YAML allows and a config file has no use for: tags,
 * the same key twice, keys that are not plain values, `__proto__`, and aliases or merge keys that stand for more than
 * 100,000 values (a billion laughs) or nest past 100 levels. Nothing is copied for an alias, however much it stands for.
 * `undefined` when the document is too large to be worth reading on.
 */
export function toTree(root: ParsedNode | null, placeOf: (offset: number) => Place, report: Report): Node | undefined {
  try {
    return new Reader(placeOf, report).read(root, "", 1).node;
  } catch (error) {
    if (error instanceof TooLarge) return undefined;
    throw error;
  }
}

/** Its problem is in the report. */
class TooLarge extends Error {}

class Reader {
  private readonly placeOf: (offset: number) => Place;
  private readonly report: Report;
  private readonly anchors = new Map<string, Measured>();
  private spent = 0;

  constructor(placeOf: (offset: number) => Place, report: Report) {
    this.placeOf = placeOf;
    this.report = report;
  }

  read(source: ParsedNode | null, path: string, level: number): Measured {
    const at = this.placeOf(source?.range[0] ?? 0);
    if (isAlias(source)) return this.follow(source.source, at, path, level);
    this.spend({ values: 1, height: 1 }, level, at, path);
    if (source?.tag !== undefined && !TAGS.has(source.tag)) {
      this.report.problem(at, path, "tags have no meaning here; remove the word that starts with !");
    }
    const read =
      source === null || isScalar(source)
        ? { node: scalar(source, at), values: 1, height: 1 }
        : isMap(source)
          ? this.table(source, at, path, level)
          : this.list(source, at, path, level);
    if (source?.anchor) this.anchors.set(source.anchor, read);
    return read;
  }

  private follow(anchor: string, at: Place, path: string, level: number): Measured {
    const target = this.anchors.get(anchor);
    if (target) {
      this.spend(target, level, at, path);
      return target;
    }
    this.report.problem(at, path, "no anchor of this name stands above; put a text that starts with * in quotes");
    return { node: { kind: "scalar", at, value: null }, values: 1, height: 1 };
  }

  private list({ items }: YAMLSeq, at: Place, path: string, level: number): Measured {
    const read = items.map((item, index) => this.read(item as ParsedNode | null, `${path}[${index}]`, level + 1));
    return measured({ kind: "list", at, items: read.map(({ node }) => node) }, read);
  }

  private table({ items }: YAMLMap, at: Place, path: string, level: number): Measured {
    const entries = new Map<string, Entry>();
    const read: Measured[] = [];
    const merged: Node[] = [];
    for (const pair of items) {
      const key = this.key(pair.key as ParsedNode | null, path);
      const inner = key ? keyPath(path, key.text) : path;
      const value = this.read(pair.value as ParsedNode | null, inner, level + 1);
      read.push(value);
      if (!key) continue;
      if (key.merge) {
        merged.push(value.node);
        continue;
      }
      const first = entries.get(key.text);
      if (first) this.report.problem(key.at, inner, `here twice, first on line ${first.at.line}; remove one of them`);
      else entries.set(key.text, { at: key.at, value: value.node });
    }
    for (const node of merged) this.merge(entries, node, at, path, level);
    return measured({ kind: "table", at, entries }, read);
  }

  /** `<<` adds the keys that the table does not have itself; of several tables the first wins. */
  private merge(entries: Map<string, Entry>, from: Node, at: Place, path: string, level: number): void {
    for (const table of from.kind === "list" ? from.items : [from]) {
      if (table.kind !== "table") {
        this.report.problem(table.at, keyPath(path, "<<"), "want a table to merge, or a list of tables");
        continue;
      }
      this.spend({ values: table.entries.size, height: 1 }, level, at, path);
      for (const [key, entry] of table.entries) if (!entries.has(key)) entries.set(key, entry);
    }
  }

  private key(source: ParsedNode | null, path: string): { text: string; at: Place; merge: boolean } | undefined {
    const at = this.placeOf(source?.range[0] ?? 0);
    if (!isScalar(source) || source.value === null) {
      this.report.problem(at, path, "want a plain key, such as `name:`");
      return undefined;
    }
    const text = String(source.value as Scalar["value"]);
    if (text === "__proto__") {
      this.report.problem(at, keyPath(path, text), "not allowed as a key; remove it");
      return undefined;
    }
    if (source.anchor) this.anchors.set(source.anchor, { node: scalar(source, at), values: 1, height: 1 });
    return { text, at, merge: text === "<<" && source.type === "PLAIN" };
  }

  private spend(more: { values: number; height: number }, level: number, at: Place, path: string): void {
    this.spent += more.values;
    const deep = level + more.height - 1 > MAX_DEPTH;
    if (!deep && this.spent <= MAX_VALUES) return;
    const what = deep ? `nested more than ${MAX_DEPTH} levels deep` : `more than ${MAX_VALUES} values`;
    this.report.problem(at, path, `${what}, aliases counted in full; make the file smaller`);
    throw new TooLarge();
  }
}

function measured(node: Node, read: readonly Measured[]): Measured {
  let [values, height] = [1, 0];
  for (const child of read) {
    values += child.values;
    height = Math.max(height, child.height);
  }
  return { node, values, height: height + 1 };
}

function scalar(source: YamlScalar | null, at: Place): Scalar {
  const value = source?.value as Scalar["value"] | undefined;
  // The parser rounds. Past 40 digits the number is wrong for every field, rounded or not, and BigInt would take seconds.
  const rounded = typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
  if (rounded && /^[-+]?[0-9]{1,40}$/.test(source?.source ?? ""))
    return { kind: "scalar", at, value: BigInt(source!.source!) };
  return { kind: "scalar", at, value: value ?? null };
}
