import { create, toJson } from "@bufbuild/protobuf";
import { type Config, ConfigSchema } from "../gen/polygate/config/v1/config_pb.js";

/** Parts of `listen` that a reload does change. */
const LIVE = new Set(["listen.cors"]);

/**
 * The settings that a gateway reads at start only and that are not what they were, such as `listen.port`, in the file's
 * own names. Both configs have their defaults filled in.
 */
export function changedSinceStart(started: Config, now: Config): readonly string[] {
  const [old, young] = [atStart(started), atStart(now)];
  const names = new Set([...old.keys(), ...young.keys()]);
  return [...names].filter((name) => old.get(name) !== young.get(name) && !LIVE.has(name));
}

/** Settings that are read at start, one level deep, as text; compared, and never told: some are secrets. */
function atStart({ listen, admin, log, drainTimeout, store }: Config): ReadonlyMap<string, string> {
  const part = create(ConfigSchema, { listen, admin, log, drainTimeout, store });
  const json = toJson(ConfigSchema, part, { useProtoFieldName: true }) as Readonly<Record<string, unknown>>;
  const flat = new Map<string, string>();
  for (const [name, value] of Object.entries(json)) {
    if (typeof value !== "object" || value === null) flat.set(name, JSON.stringify(value));
    else for (const [inner, one] of Object.entries(value)) flat.set(`${name}.${inner}`, JSON.stringify(one));
  }
  return flat;
}
