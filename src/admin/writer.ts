import { inBreaths } from "../config/breath.ts";
import { errors, type Violation } from "../core/errors.ts";
import type { LedgerReads, LedgerWrites, RouteRecord } from "../core/ledger.ts";
import { nameOf } from "./audited.ts";
import { newDestinations } from "./destinations.ts";
import { isSame, type OpenChange } from "./diff.ts";
import { maskDoc, openRoutes, sealDoc } from "./docs.ts";
import {
  type Draft,
  type Make,
  outcomeOf,
  type Prepared,
  routesAfter,
  stagedAlready,
  stageOf,
  type Written,
} from "./draft.ts";
import type { Context } from "./method.ts";
import type { AdminParts } from "./parts.ts";

/** How often a write is tried outside of a transaction while other gateways are faster. */
const MOST_TRIES = 3;
/** Writes that wait for their turn. */
const MOST_WAITING = 1000;

/**
 * Makes revisions, one at a time in this process. What is written was compiled against exactly the state that it changes: when
 * another gateway changed that meanwhile, it is all done again, and at last within the transaction, where nobody can.
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
   */
  async write(context: Context, make: Make, validateOnly: boolean): Promise<Written> {
    const written = await this.inTurn(async () => {
      if (validateOnly) return outcomeOf(await this.prepare(this.parts.ledger, context, make));
      for (let tries = 0; tries < MOST_TRIES; tries++) {
        const prepared = await this.prepare(this.parts.ledger, context, make);
        const done = await this.commitIfSame(prepared, context);
        if (done) return done;
      }
      return context.write(async (tx) => this.commit(tx, await this.prepare(tx, context, make), context));
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

  /** The draft for the ledger as it is, checked and sealed. */
  private async prepare(reads: LedgerReads, context: Context, make: Make): Promise<Prepared> {
    const head = await reads.head();
    const routes = await reads.routes();
    const draft = await make(reads, head, routes);
    if (head.stage && draft.cause !== "rollback") throw stagedAlready(head.stage);
    const changes = draft.changes.filter((change) => !isSame(change));
    const revision = {
      at: this.parts.tools.wallNow(),
      author: nameOf(context.actor.principal),
      cause: draft.cause,
      reason: draft.reason,
      file: "",
      restores: draft.restores ?? 0,
      changes: await inBreaths(changes, (change) => this.sealed(change, routes)),
    };
    for (const change of changes) for (const name of newDestinations(change)) context.permit(name);
    const after = routesAfter(routes, revision);
    if (changes.length > 0) await this.check(after, draft.fieldOf);
    const [was, is] = await this.shown(changes);
    context.note({ before: was, after: is });
    return { head, draft, revision, before: routes, after };
  }

  /** `undefined`: somebody else was faster. */
  private commitIfSame(prepared: Prepared, context: Context): Promise<Written | undefined> {
    const { head } = prepared;
    return context
      .write(async (tx) => {
        const now = await tx.head();
        if (now.revision !== head.revision || now.stageVersion !== head.stageVersion) throw new Moved();
        return this.commit(tx, prepared, context);
      })
      .catch((thrown: unknown) => {
        if (thrown instanceof Moved) return undefined;
        throw thrown;
      });
  }

  private async commit(tx: LedgerWrites, prepared: Prepared, context: Context): Promise<Written> {
    const { head, draft, revision, before } = prepared;
    if (revision.changes.length === 0 && draft.cause !== "rollback")
      return { revision: { ...revision, number: 0 }, routes: before };
    const made = await tx.addRevision(revision);
    context.note({ revision: made.number });
    if (draft.stage) await tx.setStage(stageOf(draft.stage, made.number, head.revision));
    else if (head.stage) await tx.setStage(undefined);
    return { revision: made, routes: await tx.routes() };
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
      const docs = await inBreaths(changes, async (change) => {
        const doc = change[which];
        return doc && ([change.name, await maskDoc(this.parts, doc)] as const);
      });
      const found = docs.filter((one) => one !== undefined);
      if (changes.length === 1) return found[0]?.[1];
      return found.length > 0 ? Object.fromEntries(found) : undefined;
    };
    return Promise.all([side("before"), side("after")]);
  }
}

/** The state that was read is no longer the ledger's. */
class Moved extends Error {}
