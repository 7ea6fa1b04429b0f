import { readdirSync, readFileSync } from "node:fs";
import type { Policy } from "./core/policy.ts";
import type { Protocol } from "./core/protocol.ts";
import type { Provider } from "./core/provider.ts";
import type { Store } from "./core/store.ts";

/**
 * Finds extensions by their folders: the name of a folder under `providers/`, `policies/`, `protocols/` or `stores/` is the
 * kind. A provider or policy is loaded when a config first names it. There is no list to edit.
 */
const ENDING = import.meta.url.endsWith(".ts") ? "ts" : "js";
const loaded = new Map<string, Promise<unknown>>();

/** Every name of a provider, and what it stands for. */
const providers: ReadonlyMap<string, Named> = namedProviders();

/** Kinds of providers, sorted. */
export const providerKinds: readonly string[] = [...new Set([...providers.values()].map(({ kind }) => kind))].sort();
/** Kinds of policies, sorted. */
export const policyKinds: readonly string[] = folders("policies");

/** A provider's kind, from any of its names in any spelling that is allowed; `undefined`: there is none. */
export function providerKindOf(spelling: string): string | undefined {
  return providers.get(plain(spelling))?.kind;
}

/** A provider by its kind, spelt exactly; `undefined`: there is none. */
export function loadProvider(kind: string): Promise<Provider<unknown>> | undefined {
  const named = providers.get(plain(kind));
  if (named?.kind !== kind) return undefined;
  if (!named.preset) return load("providers", named.folder, "provider");
  return load<Record<string, Provider<unknown>>>("providers", named.folder, "presets").then(
    (presets) => presets[kind]!,
  );
}

/** A policy by its kind, spelt exactly; `undefined`: there is none. */
export function loadPolicy(kind: string): Promise<Policy<unknown>> | undefined {
  return policyKinds.includes(kind) ? load("policies", kind, "policy") : undefined;
}

/** Every protocol. */
export function loadProtocols(): Promise<readonly Protocol[]> {
  return Promise.all(folders("protocols").map((kind) => load<Protocol>("protocols", kind, "protocol")));
}

/** A store by its kind, which must be there. */
export function loadStore(kind: string): Promise<Store> {
  return load("stores", kind, "store");
}

interface Named {
  readonly kind: string;
  readonly folder: string;
  /** One of those that the folder's module exports under `presets`, and not its `provider`. */
  readonly preset: boolean;
}

/**
 * A folder is a kind. Its `kinds.json` may have further names, read without loading the module: of itself, as
 * `"amazon-bedrock": "bedrock"`; of presets, as `"groq": "groq"`; and its own with a `-`, which a proto package cannot have.
 */
function namedProviders(): Map<string, Named> {
  const names = new Map<string, Named>();
  for (const folder of folders("providers")) {
    const further = Object.entries(furtherNames(folder));
    const own = further.find(([name]) => plain(name) === plain(folder))?.[1] ?? folder;
    names.set(plain(folder), { kind: own, folder, preset: false });
    for (const [name, kind] of further) names.set(plain(name), { kind, folder, preset: kind !== own });
  }
  return names;
}

function furtherNames(folder: string): Record<string, string> {
  try {
    return JSON.parse(readFileSync(new URL(`./providers/${folder}/kinds.json`, import.meta.url), "utf8")) as Record<
      string,
      string
    >;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}

/** MLflow reads names of providers in any case, with `-` or `_`. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}

function folders(family: string): readonly string[] {
  return readdirSync(new URL(`./${family}/`, import.meta.url), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/** What a kind's module exports under the name; loaded once. */
function load<Extension>(family: string, kind: string, name: string): Promise<Extension> {
  const path = `./${family}/${kind}/index.${ENDING}`;
  const known = loaded.get(path) as Promise<Record<string, Extension>> | undefined;
  const module = known ?? (import(new URL(path, import.meta.url).href) as Promise<Record<string, Extension>>);
  loaded.set(path, module);
  return module.then((all) => all[name]!);
}
