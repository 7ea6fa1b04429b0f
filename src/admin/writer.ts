import { durationMs } from "@bufbuild/protobuf/wkt";
import type { Stage } from "../../gen/polygate/admin/v1/revision_admin_pb.js";
import { errors, type Violation } from "../core/errors.ts";
import type { LedgerHead, RevisionCause, RevisionRecord, RouteRecord, StageRecord } from "../core/ledger.ts";
import { nameOf } from "./audited.ts";
import { isSame, type OpenChange } from "./diff.ts";
import { maskDoc, openRoutes, sealDoc } from "./docs.ts";
import type { Context } from "./method.ts";
import type { AdminParts } from "./parts.ts";
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

/** How often a write is tried again when another gateway was faster. */
const MOST_TRIES = 10;
/** Writes that wait for their turn. */
const MOST_WAITING = 1000;

/**
 * Makes revisions, one at a time in this process. What is written was compiled against exactly the state that it changes: when
 * another gateway changed that meanwhile, it is all done again.
 */
export class Writer {
  private readonly parts: AdminParts;
  private turn: Promise<unknown> = Promise.resolve();
  private waiting = 0;

  constructor(parts: AdminParts) {
    this.parts = parts;
  }

  /**
   * Resolves when it is committed and this process runs it. Throws FIELD_INVALID when it cannot be compiled, RESOURCE_OWNED while
   * another revision is staged, and what `make` throws.
   *
   * @param make Gives the draft for the state of the ledger as it is read; called again for another state.
   */
  async write(
    context: Context,
    make: (head: LedgerHead, routes: readonly RouteRecord[]) => Promise<Draft>,
    validateOnly: boolean,
  ): Promise<Written> {
    const written = await this.inTurn(async () => {
      for (let tries = 0; tries < MOST_TRIES; tries++) {
        const done = await this.attempt(context, make, validateOnly);
        if (done) return done;
      }
      throw errors.staleEtag("Others change the routes at the same time; read them and try again.");
    });
    if (written.revision.number > 0) await this.parts.site.applied(written.revision.number);
    return written;
  }

  /** Runs after everything that was asked before, so that two acts of this process never race each other. */
  async inTurn<T>(act: () => Promise<T>): Promise<T> {
    if (this.waiting >= MOST_WAITING) throw errors.overloaded();
    this.waiting++;
    const done = this.turn.then(act);
    this.turn = done.catch(() => undefined);
    return done.finally(() => this.waiting--);
  }

  private async attempt(
    context: Context,
    make: Parameters<Writer["write"]>[1],
    validateOnly: boolean,
  ): Promise<Written | undefined> {
    const { ledger, tools } = this.parts;
    const head = await ledger.head();
    const routes = await ledger.routes();
    const draft = await make(head, routes);
    const rollback = draft.cause === "rollback";
    if (head.stage && !rollback) throw stagedAlready(head.stage);
    const changes = draft.changes.filter((change) => !isSame(change));
    const sealed = await Promise.all(changes.map((change) => this.sealed(change, routes)));
    const revision = {
      at: tools.wallNow(),
      author: nameOf(context.actor.principal),
      cause: draft.cause,
      reason: draft.reason,
      file: "",
      restores: draft.restores ?? 0,
      changes: sealed,
    };
    const after = routesAfter(routes, revision);
    if (changes.length > 0) await this.check(after, draft.fieldOf);
    if (validateOnly) return { revision: { ...revision, number: 0 }, routes: after };
    const [before, now] = await this.shown(changes);
    context.note({ before, after: now });
    return context
      .write(async (tx) => {
        const moved = await tx.head();
        if (moved.revision !== head.revision || moved.stageVersion !== head.stageVersion) throw new Moved();
        if (changes.length === 0 && !rollback) return { revision: { ...revision, number: 0 }, routes };
        const made = await tx.addRevision(revision);
        context.note({ revision: made.number });
        if (draft.stage) await tx.setStage(stageOf(draft.stage, made.number, head.revision));
        else if (head.stage) await tx.setStage(undefined);
        return { revision: made, routes: await tx.routes() };
      })
      .catch((thrown: unknown) => {
        if (thrown instanceof Moved) return undefined;
        throw thrown;
      });
  }

  /** What was there stays sealed as it is. */
  private async sealed({ name, after }: OpenChange, routes: readonly RouteRecord[]) {
    const before = routes.find((route) => route.name === name)?.doc;
    return { name, before, after: after && (await sealDoc(this.parts, after)) };
  }

  private async check(routes: readonly RouteRecord[], fieldOf: Draft["fieldOf"]): Promise<void> {
    const problems = await this.parts.site.checkRoutes(openRoutes(this.parts.seals, routes));
    const violations = problems.map((one): Violation => ({ field: fieldOf(one), description: one.description }));
    const [first, ...more] = violations;
    if (first) throw errors.fieldInvalid([first, ...more]);
  }

  /** For the audit log: a route's docs, or those of many by their names. */
  private async shown(changes: readonly OpenChange[]) {
    const side = async (which: "before" | "after") => {
      const docs = changes.map(async (change) => {
        const doc = change[which];
        return doc && ([change.name, await maskDoc(this.parts, doc)] as const);
      });
      const found = (await Promise.all(docs)).filter((one) => one !== undefined);
      if (changes.length === 1) return found[0]?.[1];
      return found.length > 0 ? Object.fromEntries(found) : undefined;
    };
    return Promise.all([side("before"), side("after")]);
  }
}

/** The state that was read is no longer the ledger's. */
class Moved extends Error {}

/** Refuses a change while a revision is judged: it would be judged with it. */
export function stagedAlready({ revision, percent }: StageRecord) {
  return errors.resourceOwned(
    `Revision ${revision} is staged for ${percent} % of the calls; promote it or roll it back first.`,
  );
}

function stageOf(stage: Stage, revision: number, parent: number): StageRecord {
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
function routesAfter(
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
