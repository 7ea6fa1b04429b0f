import type { Config } from "../../gen/polygate/config/v1/config_pb.js";
import { isLoopback } from "../core/address.ts";
import type { Origins } from "./origins.ts";
import type { Report } from "./problems.ts";
import type { Node } from "./tree.ts";

/** How a config is going to be served, as far as that does not stand in it. */
export interface Serving {
  /** In place of `listen.host`. */
  readonly host?: string | undefined;
  /** `none`: everybody may call, as the file's `auth: none`. */
  readonly auth?: "none" | undefined;
}

/** Whether what stands under `auth` says aloud that everybody may call. */
export function isNone(node: Node): boolean {
  return node.kind === "scalar" && node.value === "none";
}

/**
 * Nobody is let in by oversight: without keys the gateway is for its own machine, unless somebody says that it is for everybody.
 *
 * @param serving `undefined`: the file is only looked at, and whoever starts it may still say so.
 */
export function checkLock(config: Config, serving: Serving | undefined, origins: Origins, report: Report): void {
  const auth = origins.field(config, "auth");
  if (auth && isNone(auth.node)) return;
  if (auth) {
    lockWithoutKeys(config, auth, report);
    const why = "stands in the file, and --auth none or POLYGATE_AUTH would take its keys away; remove one of them";
    if (serving?.auth === "none") report.problem(auth.at, auth.path, why);
    return;
  }
  const host = serving?.host ?? (config.listen?.host || "127.0.0.1");
  if (serving?.auth === "none" || isLoopback(host)) return;
  const { at, path } = origins.spot(config, "auth");
  const out = "list keys under auth, or write `auth: none` (or start with --auth none) so that everybody may call";
  const why = `missing, and other machines can come to ${host}; ${out}`;
  if (report.has(path) || report.explains(path)) return;
  if (serving) report.problem(at, path, why);
  else report.warn(at, path, why);
}

/** Elsewhere a key with nothing behind it counts as absent; here that would let everybody in. */
function lockWithoutKeys(
  { store }: Config,
  { node, at, path }: { readonly node: Node; readonly at: Parameters<Report["problem"]>[0]; readonly path: string },
  report: Report,
): void {
  const ways = "list keys, or write `auth: none` so that everybody may call";
  if (node.kind === "scalar" && node.value === null) report.problem(at, path, `nothing behind it; ${ways}`);
  if (node.kind !== "table" || store?.kind !== "none") return;
  const keys = node.entries.get("keys")?.value;
  if (keys === undefined || (keys.kind === "list" && keys.items.length === 0))
    report.problem(at, path, `no keys, and with \`store: none\` nobody can make one; ${ways}`);
}
