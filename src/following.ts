import type { Config } from "../gen/polygate/config/v1/config_pb.js";
import { ms } from "./compile.ts";
import type { Loaded } from "./config/load.ts";
import type { ServedVersion, Tools } from "./core/provider.ts";
import { isRegistered } from "./core/registered.ts";
import { Follower } from "./follow/follower.ts";
import { Registry } from "./follow/registry.ts";
import { egressOf } from "./net/egress.ts";
import type { Dialer } from "./net/send.ts";

const DEFAULTS = { pollMs: 15_000, tag: "model_server_url", connectMs: 5_000, maxConnections: 16 };

/** Follows what a config names of MLflow's registry; `undefined`: it names nothing there. */
export function followerOf(
  { config, models }: Pick<Loaded, "config" | "models">,
  dialer: Dialer,
  { clock }: Tools,
  known?: ReadonlyMap<string, ServedVersion>,
): Follower | undefined {
  const { mlflow } = config;
  const names = [...new Set([...models.keys()].map(({ name }) => name).filter(isRegistered))];
  if (!mlflow?.trackingUri || names.length === 0) return undefined;
  const { origin, pathname } = new URL(mlflow.trackingUri);
  const { connectMs, maxConnections } = DEFAULTS;
  const egress = egressOf(config.egress?.allow ?? [], "file");
  const registry = new Registry({
    prefix: pathname.replace(/\/+$/, ""),
    headers: ["accept", "application/json", "accept-encoding", "identity", ...credentialOf(mlflow)],
    exchange: dialer.to(origin, { connectMs, maxConnections, egress }),
    clock,
    template: mlflow.modelServerUrl,
    tag: mlflow.urlTag || DEFAULTS.tag,
  });
  const pollMs = ms(mlflow.pollInterval) ?? DEFAULTS.pollMs;
  return new Follower({ registry, names, pollMs, clock, ...(known && { known }) });
}

function credentialOf({ token, username, password }: NonNullable<Config["mlflow"]>): readonly string[] {
  if (token !== "") return ["authorization", `Bearer ${token}`];
  if (username === "") return [];
  return ["authorization", `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`];
}
