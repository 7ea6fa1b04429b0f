import type { AuthSettings } from "../gen/policies/auth/v1/settings_pb.js";
import type { Loaded } from "./config/load.ts";
import { grantsOfFile } from "./core/grants.ts";
import type { Grant } from "./core/principal.ts";

/** A key of the config file, as far as it may be told. */
export interface FileKey {
  readonly name: string;
  readonly grants: readonly Grant[];
}

/** The keys that the file lists; `undefined`: nobody is asked for one. */
export function fileKeysOf({ policies, config }: Loaded): readonly FileKey[] | undefined {
  const auth = policies.get(config)?.find(({ kind }) => kind === "auth");
  if (auth === undefined) return undefined;
  const { keys } = auth.settings as unknown as AuthSettings;
  return keys.map(({ name, scopes }) => ({ name, grants: grantsOfFile(scopes) }));
}
