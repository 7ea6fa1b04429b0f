import { durationMs } from "@bufbuild/protobuf/wkt";
import type { Stage } from "../../gen/polygate/admin/v1/revision_admin_pb.js";
import { errors } from "../core/errors.ts";
import type {
  LedgerHead,
  LedgerReads,
  RevisionCause,
  RevisionRecord,
  RouteRecord,
  StageRecord,
} from "../core/ledger.ts";
import type { OpenChange } from "./diff.ts";
import type { RouteProblem } from "./site.ts";

/** A revision that is to be made. */
export interface Draft {
  readonly cause: RevisionCause;
  readonly reason: string;
  /** Those that change nothing are left out; a revision that then changes nothing is made of a rollback alone. */
  readonly changes: readonly OpenChange[];
  /** Of a rollback. */
  readonly restores?: number;
  /** Lets it serve a part of the calls first. */
  readonly stage?: Stage | undefined;
  /** How a problem's path reads in the request. */
  readonly fieldOf: (problem: RouteProblem) => string;
}

/** What a draft came to. */
export interface Written {
  /** Of `validate_only`, or when nothing was changed, the revision that would have been made, with number 0. */
  readonly revision: RevisionRecord;
  /** The routes as they are now, or would be. */
  readonly routes: readonly RouteRecord[];
}

/** Makes a draft for the state of the ledger as it is read: with these reads alone, for they may be a transaction's. */
export type Make = (reads: LedgerReads, head: LedgerHead, routes: readonly RouteRecord[]) => Promise<Draft>;

/** A revision that only has to be written. */
export interface Prepared {
  /** Where the ledger stood. */
  readonly head: LedgerHead;
  readonly draft: Draft;
  readonly revision: Omit<RevisionRecord, "number">;
  /** The routes as they were, and as they will be. */
  readonly before: readonly RouteRecord[];
  readonly after: readonly RouteRecord[];
}

/** What a draft comes to that is not written. */
export const outcomeOf = ({ revision, after }: Prepared): Written => ({
  revision: { ...revision, number: 0 },
  routes: after,
});

/** Refuses a change while a revision is judged: it would be judged with it. */
export function stagedAlready({ revision, percent }: StageRecord) {
  return errors.resourceOwned(
    `Revision ${revision} is staged for ${percent} % of the calls; promote it or roll it back first.`,
  );
}

/** What is kept of a stage, with its defaults. */
export function stageOf(stage: Stage, revision: number, parent: number): StageRecord {
  return {
    revision,
    parent,
    percent: stage.percent,
    marginPercent: stage.marginPercent ?? 5,
    windowMs: stage.window ? durationMs(stage.window) : 60_000,
    minCalls: stage.minCalls || 20,
  };
}

/** The routes as the revision makes them; what is new has no number and no `etag` yet. */
export function routesAfter(
  routes: readonly RouteRecord[],
  { at, author, changes }: Omit<RevisionRecord, "number">,
): readonly RouteRecord[] {
  const changed = new Set(changes.map(({ name }) => name));
  const made = changes.flatMap(({ name, after }) => {
    const createdAt = routes.find((route) => route.name === name)?.createdAt ?? at;
    return after ? [{ name, doc: after, etag: "", revision: 0, createdAt, updatedAt: at, author }] : [];
  });
  const all = [...routes.filter(({ name }) => !changed.has(name)), ...made];
  return all.sort((a, b) => (a.name < b.name ? -1 : 1));
}
