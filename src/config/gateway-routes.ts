import { didYouMean } from "./nearest.ts";
import { keyPath, type Place, type Report } from "./problems.ts";
import { type Entry, isNull, type Node, type Scalar, type Table } from "./tree.ts";
import { shown } from "./values.ts";

/**
 * The file with its `gateway_routes`, the form in which articles about MLflow's gateway write routes to registered models, as
 * routes of ours. Every value keeps its place. Members whose policy is not here are refused by name, unless they say "off".
 */
export function readGatewayRoutes(tree: Node, report: Report): Node {
  const given = tree.kind === "table" ? tree.entries.get(KEY) : undefined;
  if (tree.kind !== "table" || given?.value.kind !== "list") return tree;
  const keyed = notNull(tree.entries.get("auth"));
  const items = given.value.items.map((item, index) =>
    item.kind === "table" ? new Reader(item, `${KEY}[${index}]`, keyed, report).route() : item,
  );
  const list = { ...given, value: { ...given.value, items } };
  return { ...tree, entries: new Map([...tree.entries].map(([key, entry]) => [key, key === KEY ? list : entry])) };
}

const KEY = "gateway_routes";

/** What asks for a policy that is not here, and why it cannot be had. */
const LACKING = {
  cache_enabled: "answers are not cached",
  prompt_template: "prompts are not made from templates",
  token_limit: "tokens are not limited",
  safety_filters: "nothing is filtered",
} as const;

/** Stages of MLflow's registry; any other word is an alias. */
const STAGES = ["None", "Staging", "Production", "Archived"];
const RATE =
  /^\s*(\d{1,9})\s*(?:req(?:uest)?s?|calls?)?\s*(?:\/|per)\s*(\d{1,6})?\s*(s|sec|second|m|min|minute|h|hour|d|day|month|year)s?\s*$/i;
const UNITS: Readonly<Record<string, string>> = {
  s: "second",
  sec: "second",
  m: "minute",
  min: "minute",
  h: "hour",
  d: "day",
};
/** `no` and `off` are false in YAML 1.1, which MLflow's files are written in, and `yes` and `on` true. */
const OFF = new Set<unknown>([null, false, "", "none", "no", "off", "false", "disabled"]);
/** Words for what `auth` does: a caller shows a key. */
const KEYS = new Set<unknown>([
  true,
  "yes",
  "on",
  "required",
  "api_key",
  "api-key",
  "apikey",
  "key",
  "bearer",
  "bearer_token",
  "token",
]);

class Reader {
  private readonly item: Table;
  private readonly path: string;
  private readonly keyed: boolean;
  private readonly report: Report;
  private readonly entries: Map<string, Entry>;

  /** @param keyed Whether the file has keys that callers show. */
  constructor(item: Table, path: string, keyed: boolean, report: Report) {
    this.item = item;
    this.path = path;
    this.keyed = keyed;
    this.report = report;
    this.entries = new Map(item.entries);
  }

  route(): Table {
    this.model();
    this.rateLimit();
    this.authentication();
    for (const [key, why] of Object.entries(LACKING)) {
      const entry = this.take(key);
      if (entry && !isOff(entry.value)) this.refuse(key, entry, `${why} here; remove it, or write false`);
    }
    const path = this.item.entries.get("path");
    if (!this.entries.has("route_type")) this.put("route_type", this.item.at, "mlflow/v1/predictions");
    if (!this.entries.has("name") && path?.value.kind === "scalar" && typeof path.value.value === "string") {
      this.put("name", path.value.at, nameOf(path.value.value));
    }
    return { ...this.item, entries: this.entries };
  }

  /** `model_name` and `model_version` as a name of the registry. */
  private model(): void {
    const [name, version] = [this.take("model_name"), this.take("model_version")];
    const other = ["model", "targets", "destinations"].find((key) => this.entries.has(key));
    const given = name ?? version;
    if (given && other)
      this.refuse(name ? "model_name" : "model_version", given, `cannot stand beside ${other}; remove one of them`);
    if (other) return;
    this.report.excuse(keyPath(this.path, "model"));
    if (!name) {
      const at = version?.at ?? this.item.at;
      this.report.problem(at, keyPath(this.path, "model_name"), "missing; name a model of MLflow's registry");
      return;
    }
    const model = textOf(name.value);
    const which = version ? textOf(version.value) : "latest";
    if (!PLAIN.test(model))
      this.refuse("model_name", name, `want a model's name without / and :, have ${shown(name.value)}`);
    else if (version && !/^@?[^/@:]+$/.test(which)) {
      this.refuse("model_version", version, `want a stage, an alias or a number, have ${shown(version.value)}`);
    } else {
      const { at } = name.value;
      const of = (text: string) => ({ at, value: scalar(at, text) });
      const entries = new Map([
        ["provider", of("mlflow-model-serving")],
        ["name", of(`models:/${model}${signOf(which)}`)],
      ]);
      this.entries.set("model", { at: name.at, value: { kind: "table", at, entries } });
    }
  }

  /** `100req/min` as what stands under a route's `limit`. */
  private rateLimit(): void {
    const entry = this.take("rate_limit");
    if (!entry || isOff(entry.value)) return;
    const { value } = entry;
    if (this.entries.has("limit")) this.refuse("rate_limit", entry, "cannot stand beside limit; remove one of them");
    else if (value.kind === "table") this.entries.set("limit", entry);
    else {
      const [, calls, count = "1", unit] = RATE.exec(value.kind === "scalar" ? String(value.value) : "") ?? [];
      if (calls === undefined || unit === undefined) {
        this.refuse("rate_limit", entry, `want calls in a period, such as 100req/min, have ${shown(value)}`);
        return;
      }
      const word = unit.toLowerCase();
      const entries = new Map([
        ["calls", { at: value.at, value: scalar(value.at, Number(calls)) }],
        ["renewal_period", { at: value.at, value: scalar(value.at, `${count} ${UNITS[word] ?? word}`) }],
      ]);
      this.entries.set("limit", { at: entry.at, value: { kind: "table", at: value.at, entries } });
    }
  }

  /** What asks for a key is done by the file's `auth`, for every route. */
  private authentication(): void {
    const entry = this.take("authentication");
    if (!entry) return;
    const kind = kindOf(entry.value);
    if (OFF.has(kind)) {
      const path = keyPath(this.path, "authentication");
      if (this.keyed)
        this.report.warn(entry.at, path, "off, and a key is asked for all the same: auth holds for every route");
    } else if (!KEYS.has(kind)) {
      const words = [...KEYS].filter((word) => typeof word === "string");
      const meant = typeof kind === "string" ? didYouMean(kind, words) : "";
      this.refuse(
        "authentication",
        entry,
        `callers are known by keys alone; want true, api_key or false, have ${shown(entry.value, isLong(kind))}${meant}`,
      );
    } else if (!this.keyed)
      this.refuse("authentication", entry, "asks for a key, and the file has none; list keys under auth");
  }

  /** Removes what is read here; `undefined` for what is absent or has nothing behind it. */
  private take(key: string): Entry | undefined {
    const entry = this.entries.get(key);
    this.entries.delete(key);
    return notNull(entry) ? entry : undefined;
  }

  private put(key: string, at: Place, text: string): void {
    this.entries.set(key, { at, value: scalar(at, text) });
  }

  private refuse(key: string, { value }: Entry, message: string): void {
    this.report.problem(value.at, keyPath(this.path, key), message);
  }
}

const PLAIN = /^[^/@:]+$/;

const scalar = (at: Place, value: Scalar["value"]): Scalar => ({ kind: "scalar", at, value });

const notNull = (entry: Entry | undefined): entry is Entry => entry !== undefined && !isNull(entry.value);

/** "" for what holds others. */
const textOf = (node: Node): string => (node.kind === "scalar" ? String(node.value) : "");

function isOff(node: Node): boolean {
  if (node.kind === "list") return node.items.length === 0;
  return node.kind === "scalar" && OFF.has(lower(node.value));
}

const lower = (value: Scalar["value"]) => (typeof value === "string" ? value.toLowerCase() : value);

/** A key could stand where a word is wanted. */
const isLong = (word: unknown): boolean => typeof word === "string" && !/^[\w-]{1,15}$/.test(word);

/** Of `authentication`: the value, or the one behind its only key `type`. `undefined`: it says more. */
function kindOf(node: Node): unknown {
  if (node.kind === "scalar") return lower(node.value);
  const type = node.kind === "table" && node.entries.size === 1 ? node.entries.get("type") : undefined;
  return type ? kindOf(type.value) : undefined;
}

/** How a version follows a model's name. MLflow keeps `v3` from being an alias. */
function signOf(which: string): string {
  if (which === "latest" || STAGES.includes(which)) return `/${which}`;
  const [, number] = /^v?(\d+)$/.exec(which) ?? [];
  return number === undefined ? `@${which.replace(/^@/, "")}` : `/${number}`;
}

/** `/predict/sentiment` is `sentiment`, and `/models/eu/churn` is `models-eu-churn`. */
function nameOf(path: string): string {
  return path
    .replace(/^\/predict\/(?=.)/, "")
    .replace(/^\/+|\/+$/g, "")
    .replaceAll(/[/~]/g, "-");
}
