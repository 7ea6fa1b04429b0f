import { type Compiled, compile } from "./compile.ts";
import type { Loaded } from "./config/load.ts";
import type { Hooks, Policy } from "./core/policy.ts";
import type { Provider, ServedVersion, Tools } from "./core/provider.ts";
import type { Site } from "./core/site.ts";
import type { Counters } from "./core/store.ts";
import type { KeyRing, Stored } from "./core/stored.ts";
import { withFound } from "./discovered.ts";
import type { Told } from "./follow/told.ts";
import type { Dialer } from "./net/send.ts";
import { loadPolicy, loadProvider, providerKindOf } from "./registry.ts";
import { type StageFailed, stagedSite } from "./staged.ts";

/** What sites are built with. */
export interface BuildParts {
  readonly dialer: Dialer;
  readonly tools: Tools;
  /** Of the limits; they outlive every reload. */
  readonly counters: Counters;
  /** Of the store; they outlive every reload. */
  readonly keys: KeyRing;
  readonly hooks: readonly Hooks[];
  /** Told that a staged revision fails too often, once for each site. */
  readonly stageFailed?: ((failed: StageFailed) => void) | undefined;
}

/** What a site is built of: a config with the live routes of the store, and one with the staged ones where there are some. */
export interface Read {
  readonly loaded: Loaded;
  readonly staged?: Loaded | undefined;
  readonly stored: Stored | undefined;
}

/** What was read, with what the store has by now: read `again` when it has, or had, routes; a revision's number changes no config. */
export async function upToDate(read: Read, stored: Stored | undefined, again: () => Promise<Read>): Promise<Read> {
  if (stored === read.stored) return read;
  return hasRoutes(stored) || hasRoutes(read.stored) ? again() : { ...read, stored };
}

const hasRoutes = (stored: Stored | undefined): boolean =>
  stored !== undefined && (stored.live.routes.length > 0 || stored.staged !== undefined);

/** A site, and the states that it is made of. */
export interface Built {
  readonly site: Site;
  readonly live: Compiled;
  readonly young?: Compiled | undefined;
}

/** @param told What MLflow's registry told; absent: the config names nothing there. */
export async function build(
  parts: BuildParts,
  { loaded, staged, stored }: Read,
  generation: number,
  told?: Pick<Told, "served" | "found">,
): Promise<Built> {
  const live = await compileOne(parts, loaded, { generation, revision: stored?.live.revision ?? generation }, told);
  const stage = stored?.staged;
  if (staged === undefined || stage === undefined) return { site: live, live };
  const young = await compileOne(parts, staged, { generation, revision: stage.revision }, told);
  const { tools, counters, stageFailed = () => {} } = parts;
  const judged = changedRoutes(loaded, staged);
  return {
    site: stagedSite({ live, staged: young, stage, judged, tools, counters, stageFailed }),
    live,
    young,
  };
}

/** Names of routes that are not the same in both. */
function changedRoutes(one: Loaded, other: Loaded): ReadonlySet<string> {
  const docsOf = ({ config, docOf }: Loaded) =>
    new Map(config.routes.map((route) => [route.name, JSON.stringify(docOf(route))]));
  const [old, young] = [docsOf(one), docsOf(other)];
  return new Set([...old.keys(), ...young.keys()].filter((name) => old.get(name) !== young.get(name)));
}

async function compileOne(
  { dialer, tools, counters, keys, hooks }: BuildParts,
  loaded: Loaded,
  numbers: { readonly generation: number; readonly revision: number },
  told?: Pick<Told, "served" | "found">,
): Promise<Compiled> {
  const { config, models: settings } = await withFound(loaded, told?.found ?? new Map());
  const providers = new Map<string, Provider<unknown>>();
  for (const model of settings.keys()) {
    const kind = providerKindOf(model.provider)!;
    if (!providers.has(kind)) providers.set(kind, (await loadProvider(kind))!);
  }
  const policies = new Map<string, Policy<unknown>>();
  for (const { kind } of [...loaded.policies.values()].flat()) policies.set(kind, (await loadPolicy(kind))!);
  const { policies: uses, owners } = loaded;
  const served = told?.served ?? new Map<string, ServedVersion>();
  const made = { config, settings, uses, providers, policies, dialer, tools, counters, keys, hooks, served, owners };
  return compile({ ...made, ...numbers });
}
