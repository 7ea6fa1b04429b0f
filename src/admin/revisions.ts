import type {
  DiffRevisionsRequest,
  GetRevisionRequest,
  ListRevisionsRequest,
  PromoteRevisionRequest,
  RollbackRevisionRequest,
} from "../../gen/polygate/admin/v1/revision_admin_pb.js";
import { inBreaths } from "../config/breath.ts";
import { errors } from "../core/errors.ts";
import type { LedgerHead, LedgerReads, RevisionRecord, RouteRecord } from "../core/ledger.ts";
import { changeOf, isSame, type OpenChange, openChange } from "./diff.ts";
import { openDoc } from "./docs.ts";
import type { Context, Methods } from "./method.ts";
import { pageSizeOf, readToken, tokenOf } from "./paging.ts";
import type { AdminParts } from "./parts.ts";
import { revisionMessage } from "./revision-views.ts";
import type { RouteProblem } from "./site.ts";
import { ownedByFile } from "./views.ts";
import type { Writer } from "./writer.ts";

/** Revisions that are read at a time. */
const BATCH = 200;

/** RevisionAdminService. */
export function revisionMethods(parts: AdminParts, writer: Writer): Methods {
  const { ledger, site } = parts;

  async function getRevision({ number }: GetRevisionRequest, context: Context) {
    const head = await ledger.head();
    const record = await revisionNumbered(ledger, Number(number) || head.revision);
    return { revision: await revisionMessage(parts, record, head, context) };
  }

  async function listRevisions(request: ListRevisionsRequest, context: Context) {
    const { route, pageToken } = request;
    if (route !== "") context.permit(route);
    const question = ["revisions", route];
    const before = readToken(pageToken, question)?.[0];
    const limit = pageSizeOf(request);
    const page = { limit: limit + 1, ...(before !== undefined && { before }) };
    const [head, found] = await Promise.all([ledger.head(), ledger.revisions(page, route === "" ? undefined : route)]);
    const shown = found.slice(0, limit);
    const revisions = await inBreaths(shown, (record) => revisionMessage(parts, record, head, context));
    return { revisions, nextPageToken: found.length > limit ? tokenOf(question, shown.at(-1)!.number) : "" };
  }

  async function diffRevisions({ from, to }: DiffRevisionsRequest, context: Context) {
    const head = await ledger.head();
    const [older, newer] = [Number(from), Number(to) || head.revision];
    for (const number of [older, newer]) if (number > 0) await revisionNumbered(ledger, number);
    const changes = await changesBetween(older, newer);
    const shown = changes.filter((change) => context.permits(change.name) && !isSame(change));
    return { changes: await inBreaths(shown, (change) => changeOf(parts, change)) };
  }

  /** Of the API's routes from their two states; of the file's, which the ledger has as changes alone, from those. */
  async function changesBetween(from: number, to: number): Promise<OpenChange[]> {
    const [first, last] = [Math.min(from, to), Math.max(from, to)];
    const changes = await fileChanges(first, last);
    for (const { name, before, after } of differences(parts, await ledger.routes(first), await ledger.routes(last))) {
      const ofFile = changes.get(name);
      changes.set(name, { name, before: before ?? ofFile?.before, after: after ?? ofFile?.after });
    }
    const sorted = [...changes.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return from <= to ? sorted : sorted.map(({ name, before, after }) => ({ name, before: after, after: before }));
  }

  /** What became of the file's routes from one revision to another, by their names. */
  async function fileChanges(first: number, last: number): Promise<Map<string, OpenChange>> {
    const found = new Map<string, OpenChange>();
    for (let at = first; at < last; ) {
      const batch = (await ledger.revisionsAfter(at, BATCH)).filter(({ number }) => number <= last);
      if (batch.length === 0) break;
      for (const change of batch.filter(({ cause }) => cause === "file").flatMap(({ changes }) => changes)) {
        const { name, before, after } = openChange(parts, change);
        const known = found.get(name);
        found.set(name, { name, before: known ? known.before : before, after });
      }
      at = batch.at(-1)!.number;
    }
    return found;
  }

  async function rollbackRevision(request: RollbackRevisionRequest, context: Context) {
    const { validateOnly, reason } = request;
    const number = Number(request.number);
    context.note({ resource: `revisions/${number}` });
    await revisionNumbered(ledger, number);
    const target = await ledger.routes(number);
    const make = async (reads: LedgerReads, { stage }: LedgerHead, routes: readonly RouteRecord[]) => {
      // Going anywhere from a staged revision decides about it, too: what it changed is then live for all calls, or for none.
      for (const { name } of stage ? (await revisionNumbered(reads, stage.revision)).changes : []) context.permit(name);
      const changes = differences(parts, routes, target);
      for (const { name, after } of changes) {
        context.permit(name);
        const file = after && ownedByFile(parts, name);
        if (file)
          throw errors.resourceOwned(
            `Revision ${number} has a route ${JSON.stringify(name)}, which now stands at ${file.place}; rename that one first.`,
          );
      }
      return { cause: "rollback", reason, restores: number, changes, fieldOf: byRoute } as const;
    };
    const { revision } = await writer.write(context, make, validateOnly);
    return { revision: await revisionMessage(parts, revision, await ledger.head(), context) };
  }

  async function promoteRevision(request: PromoteRevisionRequest, context: Context) {
    const { percent } = request;
    const number = Number(request.number);
    context.note({ resource: `revisions/${number}` });
    const record = await revisionNumbered(ledger, number);
    for (const { name } of record.changes) context.permit(name);
    await context.write(async (tx) => {
      const { stage } = await tx.head();
      if (stage?.revision !== number)
        throw errors.resourceOwned(
          stage ? `The staged revision is ${stage.revision}.` : `Revision ${number} is not staged, and none is.`,
        );
      const whole = percent === 0 || percent === 100;
      await tx.setStage(whole ? undefined : { ...stage, percent });
      context.note({ before: { percent: stage.percent }, after: { percent: whole ? 100 : percent }, revision: number });
    });
    await site.applied((await ledger.head()).revision);
    return { revision: await revisionMessage(parts, record, await ledger.head(), context) };
  }

  return { unary: { getRevision, listRevisions, diffRevisions, rollbackRevision, promoteRevision } };
}

/** Throws RESOURCE_UNKNOWN. */
async function revisionNumbered(reads: LedgerReads, number: number): Promise<RevisionRecord> {
  const found = number > 0 ? await reads.revision(number) : undefined;
  if (!found) throw errors.resourceUnknown(`There is no revision ${number}.`);
  return found;
}

const byRoute = ({ route, field }: RouteProblem): string => [`routes/${route}`, field].filter(Boolean).join(".");

/** What makes the one state of the API's routes the other. */
export function differences(
  { seals }: Pick<AdminParts, "seals">,
  from: readonly RouteRecord[],
  to: readonly RouteRecord[],
): OpenChange[] {
  const docs = (routes: readonly RouteRecord[]) => new Map(routes.map(({ name, doc }) => [name, openDoc(seals, doc)]));
  const [old, now] = [docs(from), docs(to)];
  const names = [...new Set([...old.keys(), ...now.keys()])].sort();
  const changes = names.map((name) => ({ name, before: old.get(name), after: now.get(name) }));
  return changes.filter((change) => !isSame(change));
}
