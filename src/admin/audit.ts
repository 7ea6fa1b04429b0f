import type { MessageInitShape, JsonObject as ProtoJson } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type {
  AuditEventSchema,
  ExportAuditEventsRequest,
  ListAuditEventsRequest,
} from "../../gen/polygate/admin/v1/audit_pb.js";
import { CHAIN_START, chainHash } from "../core/chain.ts";
import type { AuditRecord } from "../core/ledger.ts";
import { readFilter } from "./filter.ts";
import type { Context, Methods } from "./method.ts";
import { pageSizeOf, readToken, tokenOf } from "./paging.ts";
import type { AdminParts } from "./parts.ts";

const FIELDS = ["actor", "action", "resource", "outcome"] as const;
/** Events that are in memory at a time. */
const BATCH = 100;
/** Events that one page looks at; a rare filter gives a page with few events, or none, and the token of the next. */
const MOST_LOOKED_AT = 10_000;

/** AuditService. Whoever may read the audit log of some routes alone is shown what was done to those. */
export function auditMethods({ ledger }: Pick<AdminParts, "ledger">): Methods {
  async function listAuditEvents(request: ListAuditEventsRequest, context: Context) {
    const matches = readFilter(request.filter, FIELDS, (record: AuditRecord, field) => {
      return [record[field as (typeof FIELDS)[number]]];
    });
    const question = ["audit", request.filter];
    const size = pageSizeOf(request);
    const events: AuditRecord[] = [];
    let before = readToken(request.pageToken, question)?.[0];
    for (let looked = 0; looked < MOST_LOOKED_AT; looked += BATCH) {
      const batch = await ledger.audit({ limit: BATCH, ...(before !== undefined && { before }) });
      for (const record of batch) {
        if (events.length === size)
          return { events: events.map(eventMessage), nextPageToken: tokenOf(question, before!) };
        before = record.sequence;
        if (maySee(record, context) && matches(record)) events.push(record);
      }
      if (batch.length < BATCH) return { events: events.map(eventMessage), nextPageToken: "" };
    }
    return { events: events.map(eventMessage), nextPageToken: tokenOf(question, before!) };
  }

  async function* exportAuditEvents(
    { afterSequence }: ExportAuditEventsRequest,
    context: Context,
    signal: AbortSignal,
  ) {
    let after = Number(afterSequence);
    while (!signal.aborted) {
      const batch = await ledger.auditAfter(after, BATCH);
      for (const record of batch) {
        if (signal.aborted) return;
        if (maySee(record, context)) yield { event: eventMessage(record) };
      }
      if (batch.length < BATCH) return;
      after = batch.at(-1)!.sequence;
    }
  }

  async function verifyAuditEvents() {
    let [verified, last, hash] = [0, 0, CHAIN_START];
    for (;;) {
      const batch = await ledger.auditAfter(last, BATCH);
      for (const record of batch) {
        // A ledger in memory forgets its oldest events: the first that it has is the one that the others follow on.
        const forgotten = ledger.kind === "memory" && last === 0 && record.sequence > 1;
        const next = forgotten ? record.sequence : last + 1;
        if (record.sequence !== next || (!forgotten && record.hash !== chainHash(hash, record)))
          return { verified: BigInt(verified), brokenSequence: BigInt(next) };
        [verified, last, hash] = [verified + 1, record.sequence, record.hash];
      }
      if (batch.length < BATCH) return { verified: BigInt(verified), brokenSequence: 0n };
    }
  }

  return { unary: { listAuditEvents, verifyAuditEvents }, streams: { exportAuditEvents } };
}

/** What was done to no route in particular is for those who may see all. */
function maySee({ resource }: AuditRecord, context: Context): boolean {
  return context.permits("*") || (resource.startsWith("routes/") && context.permits(resource.slice("routes/".length)));
}

function eventMessage(record: AuditRecord): MessageInitShape<typeof AuditEventSchema> {
  const { before, after } = record;
  return {
    sequence: BigInt(record.sequence),
    time: timestampFromMs(record.at),
    actor: record.actor,
    keyId: record.keyId,
    action: record.action,
    resource: record.resource,
    outcome: record.outcome,
    ...(before && { before: before as ProtoJson }),
    ...(after && { after: after as ProtoJson }),
    remote: record.remote,
    requestId: record.requestId,
    revision: BigInt(record.revision),
    hash: record.hash,
  };
}
