import { readdirSync } from "node:fs";
import type { Protocol } from "./core/protocol.ts";
import type { Provider } from "./core/provider.ts";

/**
 * Finds extensions by their folders: the name of a folder under `providers/` or `protocols/` is the kind. A provider is
 * loaded when a config first names it. There is no list to edit.
 */
const ENDING = import.meta.url.endsWith(".ts") ? "ts" : "js";
const loaded = new Map<string, Promise<Provider<unknown>>>();

/** Kinds of providers, sorted. */
export const providerKinds: readonly string[] = folders("providers");

/** A provider by its kind, spelt exactly; `undefined`: there is none. */
export function loadProvider(kind: string): Promise<Provider<unknown>> | undefined {
  if (!providerKinds.includes(kind)) return undefined;
  let module = loaded.get(kind);
  if (module === undefined) {
    module = load<{ provider: Provider<unknown> }>("providers", kind).then(({ provider }) => provider);
    loaded.set(kind, module);
  }
  return module;
}

/** Every protocol. */
export async function loadProtocols(): Promise<readonly Protocol[]> {
  const modules = await Promise.all(
    folders("protocols").map((kind) => load<{ protocol: Protocol }>("protocols", kind)),
  );
  return modules.map(({ protocol }) => protocol);
}

function folders(family: string): readonly string[] {
  return readdirSync(new URL(`./${family}/`, import.meta.url), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

function load<Module>(family: string, kind: string): Promise<Module> {
  return import(new URL(`./${family}/${kind}/index.${ENDING}`, import.meta.url).href) as Promise<Module>;
}
