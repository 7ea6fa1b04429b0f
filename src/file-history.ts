import { createHash } from "node:crypto";
import { type DocParts, maskDoc, openDoc, sealDoc } from "./admin/docs.ts";
import type { FileRoute } from "./admin/site.ts";
import type { Loaded } from "./config/load.ts";
import type { JsonObject } from "./core/json.ts";
import type { Ledger, RouteChange } from "./core/ledger.ts";
import type { Site } from "./core/site.ts";

/** Notes of the ledger: digest of the file's routes as they were noted last, and the routes, sealed as a whole. */
const DIGEST = "file.digest";
const ROUTES = "file.routes";

type Docs = Readonly<Record<string, JsonObject>>;

/** A loaded config never changes, and each look-up of one route asks for all. */
const known = new WeakMap<Loaded, readonly FileRoute[]>();

/** The routes that the config file has. */
export function fileRoutesOf(loaded: Loaded): readonly FileRoute[] {
  let routes = known.get(loaded);
  if (routes === undefined) {
    routes = loaded.config.routes.flatMap((route) => {
      const owner = loaded.owners.get(route);
      return owner?.kind === "file" ? [{ name: route.name, doc: loaded.docOf(route), place: owner.place }] : [];
    });
    known.set(loaded, routes);
  }
  return routes;
}

/** The routes that were discovered in MLflow's registry, which nobody wrote down, with the version that each asks now. */
export function discoveredRoutesOf({ config }: Loaded, { routes }: Pick<Site, "routes">): readonly FileRoute[] {
  const written = new Set(config.routes.map(({ name }) => name));
  return routes.flatMap(({ name, routeType, targets: [target] }) =>
    written.has(name) || target === undefined
      ? []
      : [
          {
            name,
            place: "",
            doc: { name, route_type: routeType, model: { provider: target.provider, name: target.model } },
          },
        ],
  );
}

/**
 * Adds a revision when the file's routes are not what they were when a gateway noted them last: once, of many that read the same
 * file. Throws STORE_UNAVAILABLE.
 */
export async function noteFile(
  own: Ledger,
  parts: DocParts,
  routes: readonly FileRoute[],
  wallNow: number,
): Promise<void> {
  const docs = Object.fromEntries(routes.map(({ name, doc }) => [name, doc]).sort(([a], [b]) => (a! < b! ? -1 : 1)));
  const digest = await digestOf(parts, docs);
  if ((await own.note(DIGEST)) === digest) return;
  await own.write(async (tx) => {
    if ((await tx.note(DIGEST)) === digest) return;
    const noted = await tx.note(ROUTES);
    const before = noted === undefined ? {} : (JSON.parse(parts.seals.open(noted)) as Docs);
    const record = { at: wallNow, author: "file", cause: "file", reason: "", file: digest, restores: 0 } as const;
    await tx.addRevision({ ...record, changes: await changesOf(parts, before, docs) });
    await tx.setNote(ROUTES, parts.seals.seal(JSON.stringify(docs)));
    await tx.setNote(DIGEST, digest);
  });
}

/** Over masks: a digest of weak secrets could be guessed from. */
async function digestOf(parts: DocParts, docs: Docs): Promise<string> {
  const hash = createHash("sha256");
  for (const doc of Object.values(docs)) hash.update(`${JSON.stringify(await maskDoc(parts, doc))}\n`);
  return `sha256:${hash.digest("hex")}`;
}

async function changesOf(parts: DocParts, before: Docs, after: Docs): Promise<readonly RouteChange[]> {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  const changed = names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
  const sealed = (doc: JsonObject | undefined) => doc && sealDoc(parts, openDoc(parts.seals, doc));
  return Promise.all(
    changed.map(async (name) => ({ name, before: await sealed(before[name]), after: await sealed(after[name]) })),
  );
}
