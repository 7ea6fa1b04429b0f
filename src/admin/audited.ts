import type { Actor } from "../core/admin.ts";
import type { AuditRecord, Ledger } from "../core/ledger.ts";
import type { Principal } from "../core/principal.ts";
import type { Noted } from "./method.ts";
import type { AdminParts } from "./parts.ts";

/** Events of refused calls that wait to be written; more are left out. */
const MOST_WAITING = 100;
/** Refusals of callers who have no business here that are written down in a second; more are left out. */
const STRANGERS_PER_SECOND = 10;

/** What is to be written down of a call. */
export function auditOf(
  at: number,
  method: string,
  actor: Actor,
  outcome: string,
  noted: Noted,
): Omit<AuditRecord, "sequence" | "hash"> {
  const { principal, remote, requestId } = actor;
  return {
    at,
    actor: nameOf(principal),
    keyId: principal.keyId,
    action: method,
    resource: noted.resource ?? "",
    outcome,
    before: noted.before,
    after: noted.after,
    remote,
    requestId,
    revision: noted.revision ?? 0,
  };
}

/** Who acts: the name of the key; `anonymous` where nobody is asked; empty: nobody knows. */
export function nameOf({ name, grants }: Principal): string {
  return name === "" && grants.length > 0 ? "anonymous" : name;
}

/** Nobody is known by it, or only to call models: whoever can reach the gateway may be refused as often as it likes. */
const isStranger = ({ grants }: Principal): boolean => !grants.some(({ realm }) => realm === "admin");

/** Writes down refusals, each in a transaction of its own, and never more than it can: a flood of them fills no disk. */
export class Refusals {
  private readonly ledger: Ledger;
  private readonly tools: AdminParts["tools"];
  private readonly failed: (error: unknown) => void;
  private waiting = 0;
  private second = Number.NEGATIVE_INFINITY;
  private strangers = 0;

  constructor({ ledger, own, tools, failed }: Pick<AdminParts, "ledger" | "own" | "tools" | "failed">) {
    this.ledger = own ?? ledger;
    this.tools = tools;
    this.failed = failed;
  }

  /** Resolves once it is written, or is not going to be. Never throws. */
  async add(method: string, actor: Actor, reason: string, noted: Noted): Promise<void> {
    if (!this.ledger.writable || this.waiting >= MOST_WAITING) return;
    if (isStranger(actor.principal) && !this.mayAddStranger()) return;
    this.waiting++;
    try {
      const record = auditOf(this.tools.wallNow(), method, actor, reason, noted);
      await this.ledger.write((tx) => tx.addAudit(record));
    } catch (error) {
      this.failed(error);
    } finally {
      this.waiting--;
    }
  }

  private mayAddStranger(): boolean {
    const now = this.tools.clock.now();
    if (now - this.second >= 1000) {
      this.second = now;
      this.strangers = 0;
    }
    return this.strangers++ < STRANGERS_PER_SECOND;
  }
}
