import { readdirSync } from "node:fs";
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

/** Kinds of providers, sorted. */
export const providerKinds: readonly string[] = folders("providers");
/** Kinds of policies, sorted. */
export const policyKinds: readonly string[] = folders("policies");

/** A provider by its kind, spelt exactly; `undefined`: there is none. */
export function loadProvider(kind: string): Promise<Provider<unknown>> | undefined {
  return providerKinds.includes(kind) ? load("providers", kind, "provider") : undefined;
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

function folders(family: string): readonly string[] {
  return readdirSync(new URL(`./${family}/`, import.meta.url), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/** What a kind's module exports under the name; loaded once. */
function load<Extension>(family: string, kind: string, name: string): Promise<Extension> {
  const path = `./${family}/${kind}/index.${ENDING}`;
  const known = loaded.get(path) as Promise<Extension> | undefined;
  if (known) return known;
  const module = import(new URL(path, import.meta.url).href) as Promise<Record<string, Extension>>;
  const extension = module.then((all) => all[name]!);
  loaded.set(path, extension);
  return extension;
}
