import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Cause, type RevisionSchema, RevisionState } from "../../gen/polygate/admin/v1/revision_admin_pb.js";
import { inBreaths } from "../config/breath.ts";
import type { LedgerHead, RevisionCause, RevisionRecord } from "../core/ledger.ts";
import { changeOf, openChange } from "./diff.ts";
import type { DocParts } from "./docs.ts";
import type { Context } from "./method.ts";

const CAUSES: Readonly<Record<RevisionCause, Cause>> = {
  file: Cause.FILE,
  create: Cause.CREATE,
  update: Cause.UPDATE,
  delete: Cause.DELETE,
  rollback: Cause.ROLLBACK,
  automatic_rollback: Cause.AUTOMATIC_ROLLBACK,
};

/** A revision as callers see it, secrets masked, without changes of routes that they may not see. */
export async function revisionMessage(
  parts: DocParts,
  record: RevisionRecord,
  head: LedgerHead,
  context: Pick<Context, "permits">,
): Promise<MessageInitShape<typeof RevisionSchema>> {
  const shown = record.changes.filter(({ name }) => context.permits(name));
  const { stage } = head;
  return {
    number: BigInt(record.number),
    createTime: timestampFromMs(record.at),
    author: record.author,
    cause: CAUSES[record.cause],
    // It may tell of routes that are hidden.
    reason: shown.length > 0 || context.permits("*") ? record.reason : "",
    changes: await inBreaths(shown, (change) => changeOf(parts, openChange(parts, change))),
    state: stateOf(record.number, head),
    restores: BigInt(record.restores),
    ...(stage?.revision === record.number && {
      stage: {
        percent: stage.percent,
        marginPercent: stage.marginPercent,
        window: durationFromMs(stage.windowMs),
        minCalls: stage.minCalls,
      },
    }),
  };
}

/** While one is staged, its parent serves the rest; a file that changes meanwhile makes the newest one live. */
function stateOf(number: number, { revision, stage }: LedgerHead): RevisionState {
  if (stage?.revision === number) return RevisionState.STAGED;
  const live = stage?.revision === revision ? stage.parent : revision;
  return number === live ? RevisionState.LIVE : RevisionState.PAST;
}
