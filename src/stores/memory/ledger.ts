import { CHAIN_START, chainHash, etagOf } from "../../core/chain.ts";
import { errors } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type {
  AuditRecord,
  KeyRecord,
  Ledger,
  LedgerReads,
  LedgerSettings,
  LedgerWrites,
  PageQuestion,
  RevisionRecord,
  RouteRecord,
  StageRecord,
} from "../../core/ledger.ts";
import { type Again, resealed, SEALED } from "../../core/sealed.ts";

/** Acts that are remembered. Anybody may have one written down by being refused, so they must not grow without end. */
const MOST_ACTS = 10_000;

/** A route from its revision to the one that changed it again. Its doc is that of the revision. */
interface Version extends Omit<RouteRecord, "doc"> {
  readonly until: number;
}

/** What is known at one time. Never changed: a transaction makes the next one. */
interface State {
  readonly revisions: readonly RevisionRecord[];
  readonly versions: readonly Version[];
  readonly keys: ReadonlyMap<string, KeyRecord>;
  readonly keysVersion: number;
  /** Of all acts; the oldest may be forgotten. */
  readonly acts: readonly AuditRecord[];
  readonly stage: StageRecord | undefined;
  readonly stageVersion: number;
  readonly notes: ReadonlyMap<string, string>;
}

const NOTHING: State = {
  revisions: [],
  versions: [],
  keys: new Map(),
  keysVersion: 0,
  acts: [],
  stage: undefined,
  stageVersion: 0,
  notes: new Map(),
};

/** A ledger of this process alone, gone when it ends. It forgets all but the newest 10 000 acts. */
export function openLedger({ failed }: Pick<LedgerSettings, "failed">): Promise<Ledger> {
  let state = NOTHING;
  let closed = false;
  let turn: Promise<unknown> = Promise.resolve();
  const listeners = new Set<() => void>();

  const ledger: Ledger = {
    ...readsOf(() => {
      if (closed) throw errors.storeUnavailable("The store is closed.");
      return state;
    }),
    kind: "memory",
    writable: true,
    write<T>(act: (tx: LedgerWrites) => Promise<T>): Promise<T> {
      const done = turn.then(() => run(act));
      turn = done.catch(() => undefined);
      return done;
    },
    onChange(listener) {
      const own = () => listener();
      listeners.add(own);
      return () => void listeners.delete(own);
    },
    async close() {
      await turn;
      closed = true;
      listeners.clear();
    },
  };
  return Promise.resolve(ledger);

  async function run<T>(act: (tx: LedgerWrites) => Promise<T>): Promise<T> {
    if (closed) throw errors.storeUnavailable("The store is closed.");
    const draft = new Draft(state);
    try {
      const result = await act(draft.writes);
      if (draft.state !== state) {
        state = draft.state;
        for (const listener of listeners) queueMicrotask(() => tell(listener));
      }
      return result;
    } finally {
      draft.over = true;
    }
  }

  function tell(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      failed(error);
    }
  }
}

/** A state that grows; nobody else sees it. */
class Draft {
  state: State;
  over = false;
  readonly writes: LedgerWrites;

  constructor(state: State) {
    this.state = state;
    const now = () => {
      if (this.over) throw errors.storeUnavailable("The transaction is over.");
      return this.state;
    };
    const put = (change: Partial<State>) => {
      this.state = { ...now(), ...change };
    };
    this.writes = {
      ...readsOf(now),
      async addRevision(revision) {
        const { revisions, versions } = now();
        const made = { ...own(revision), number: revisions.length + 1 };
        const sorted = { ...made, changes: made.changes.toSorted((a, b) => order(a.name, b.name)) };
        put({ revisions: [...revisions, sorted], versions: withRevision(versions, sorted) });
        return own(sorted);
      },
      async putKey(key) {
        const { keys, keysVersion } = now();
        put({ keys: new Map(keys).set(key.id, own(key)), keysVersion: keysVersion + 1 });
      },
      async addAudit(record) {
        const { acts } = now();
        const last = acts.at(-1);
        const act = { ...own(record), sequence: (last?.sequence ?? 0) + 1 };
        const made = { ...act, hash: chainHash(last?.hash ?? CHAIN_START, act) };
        put({ acts: [...acts.slice(1 - MOST_ACTS), made] });
        return own(made);
      },
      async setStage(stage) {
        put({ stage: stage && own(stage), stageVersion: now().stageVersion + 1 });
      },
      async setNote(name, value) {
        const notes = new Map(now().notes);
        if (value === undefined) notes.delete(name);
        else notes.set(name, value);
        put({ notes });
      },
      async reseal(again) {
        const { revisions, notes, count } = resealState(now(), again);
        put({ revisions, notes });
        return count;
      },
    };
  }
}

function readsOf(now: () => State): LedgerReads {
  const routes = (at = Number.MAX_VALUE): RouteRecord[] => {
    const { versions, revisions } = now();
    return versions
      .filter(({ revision, until }) => revision <= at && until > at)
      .map(({ until: _, ...version }) => {
        const { changes } = revisions[version.revision - 1]!;
        return own({ ...version, doc: changes.find(({ name }) => name === version.name)!.after! });
      })
      .sort((a, b) => order(a.name, b.name));
  };
  return {
    async head() {
      const { revisions, keysVersion, stageVersion, stage } = now();
      return { revision: revisions.length, keysVersion, stageVersion, stage: stage && own(stage) };
    },
    routes: async (at) => routes(at),
    route: async (name) => routes().find((route) => route.name === name),
    revision: async (number) => own(now().revisions[number - 1]),
    async revisions(page, route) {
      const { revisions } = now();
      const asked =
        route === undefined ? revisions : revisions.filter(({ changes }) => changes.some(({ name }) => name === route));
      return own(pageOf(asked, ({ number }) => number, page));
    },
    revisionsAfter: async (number, limit) => own(now().revisions.slice(number, number + limit)),
    keys: async () => own([...now().keys.values()].sort((a, b) => order(a.id, b.id))),
    key: async (id) => own(now().keys.get(id)),
    audit: async (page) => own(pageOf(now().acts, ({ sequence }) => sequence, page)),
    auditAfter: async (after, limit) =>
      own(
        now()
          .acts.filter(({ sequence }) => sequence > after)
          .slice(0, limit),
      ),
    note: async (name) => now().notes.get(name),
    notes: async () => new Map(now().notes),
  };
}

/** The routes' versions after the revision. */
function withRevision(versions: readonly Version[], made: RevisionRecord): readonly Version[] {
  if (made.cause === "file") return versions;
  const changed = new Map(made.changes.map((change) => [change.name, change]));
  const births = new Map<string, number>();
  const past = versions.map((version) => {
    if (version.until !== Number.POSITIVE_INFINITY || !changed.has(version.name)) return version;
    births.set(version.name, version.createdAt);
    return { ...version, until: made.number };
  });
  const fresh = made.changes.flatMap(({ name, after }) => {
    if (after === undefined) return [];
    const times = { createdAt: births.get(name) ?? made.at, updatedAt: made.at };
    const etag = etagOf(made.number, name, after);
    return [{ name, etag, revision: made.number, ...times, author: made.author, until: Number.POSITIVE_INFINITY }];
  });
  return [...past, ...fresh];
}

function resealState(state: State, again: Again): Pick<State, "revisions" | "notes"> & { readonly count: number } {
  let count = 0;
  const anew = (doc: JsonObject | undefined) => {
    if (doc === undefined) return undefined;
    const sealed = resealed(doc, again);
    count += sealed.count;
    return sealed.doc;
  };
  const revisions = state.revisions.map((revision) => ({
    ...revision,
    changes: revision.changes.map(({ name, before, after }) => ({ name, before: anew(before), after: anew(after) })),
  }));
  const notes = new Map(state.notes);
  for (const [name, value] of state.notes) {
    if (!value.startsWith(SEALED)) continue;
    notes.set(name, again(value));
    count++;
  }
  return { revisions, notes, count };
}

function pageOf<One>(all: readonly One[], numberOf: (one: One) => number, { before, limit }: PageQuestion): One[] {
  const older = before === undefined ? all : all.filter((one) => numberOf(one) < before);
  return older.slice(-limit).reverse();
}

/** A copy: what is read is the reader's own, and what was written the ledger's. */
function own<Value>(value: Value): Value {
  return structuredClone(value);
}

function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
