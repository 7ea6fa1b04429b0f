import type { RevisionRecord } from "../core/ledger.ts";
import { maskDoc, sealDoc } from "./docs.ts";
import type { AdminParts } from "./parts.ts";
import { differences } from "./revisions.ts";

/** As whom the gateway acts by itself. */
const GATEWAY = "gateway";

/**
 * Rolls a staged revision back, because too many of its calls failed: a new revision has its parent's state, and no revision is
 * staged any more. Resolves once this process runs it. Throws STORE_UNAVAILABLE.
 *
 * @param why For the history, such as `12 % of 50 calls failed, 1 % of the parent's`.
 * @returns The new revision; `undefined`: the revision is not the staged one, so that of many gateways that see it fail one acts.
 */
export async function giveUpStage(
  parts: AdminParts,
  revision: number,
  why: string,
): Promise<RevisionRecord | undefined> {
  const { ledger, site, tools } = parts;
  const made = await ledger.write(async (tx) => {
    const { stage } = await tx.head();
    if (stage?.revision !== revision) return undefined;
    const routes = await tx.routes();
    const changes = differences(parts, routes, await tx.routes(stage.parent));
    const sealed = changes.map(async ({ name, after }) => ({
      name,
      before: routes.find((route) => route.name === name)?.doc,
      after: after && (await sealDoc(parts, after)),
    }));
    const masked = changes.map(async ({ name, after }) => [name, after && (await maskDoc(parts, after))] as const);
    const at = tools.wallNow();
    const record = await tx.addRevision({
      at,
      author: GATEWAY,
      cause: "automatic_rollback",
      reason: why,
      file: "",
      restores: stage.parent,
      changes: await Promise.all(sealed),
    });
    await tx.setStage(undefined);
    await tx.addAudit({
      at,
      actor: GATEWAY,
      keyId: "",
      action: "polygate.admin.v1.RevisionAdminService/RollbackRevision",
      resource: `revisions/${revision}`,
      outcome: "ok",
      before: undefined,
      after: Object.fromEntries(await Promise.all(masked)),
      remote: "",
      requestId: "",
      revision: record.number,
    });
    return record;
  });
  if (made) await site.applied(made.number);
  return made;
}
