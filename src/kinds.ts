import type { DescMessage, Message } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import type { Config } from "../gen/polygate/config/v1/config_pb.js";
import type { Kind, Kinds, PolicyKind } from "./config/load.ts";
import { processEnvironment } from "./config/secrets.ts";
import type { Owner } from "./config/stored.ts";
import { GatewayError } from "./core/errors.ts";
import type { Provider, SettingsProblem } from "./core/provider.ts";
import { realClock } from "./net/clock.ts";
import { egressOf } from "./net/egress.ts";
import { loadPolicy, loadProvider, providerKindOf, providerKinds } from "./registry.ts";

/** Kinds of providers and policies as the config layer asks for them; a provider in any allowed spelling. */
export const kinds: Kinds = {
  names: () => providerKinds,
  async provider(spelling) {
    const kind = providerKindOf(spelling);
    const provider =
      kind === undefined ? undefined : ((await loadProvider(kind)) as (Provider<Message> & Kind) | undefined);
    return provider && { ...provider, dials: (settings, config, by) => refusedOrigin(provider, settings, config, by) };
  },
  policy: async (kind) => (await loadPolicy(kind)) as PolicyKind | undefined,
};

/** Why the settings name an origin that may not be dialed, when they do. Settings that cannot be opened have problems already. */
function refusedOrigin(
  provider: Provider<Message>,
  settings: Message,
  { egress }: Config,
  by: Owner["kind"],
): readonly SettingsProblem[] {
  try {
    const env = (name: string) => (by === "file" ? processEnvironment[name] : undefined);
    const tools = { clock: realClock, wallNow: Date.now, random: Math.random, env };
    const { origin } = provider.open(settings, { ...tools, ...(by === "api" && { stranger: true as const }) });
    const why = origin && egressOf(egress?.allow ?? [], by).refuseOrigin(origin);
    return why ? [{ path: nameOf(provider, settings, origin), message: why }] : [];
  } catch (thrown) {
    // A setting that only the environment could have given.
    const violations = thrown instanceof GatewayError ? (thrown.fault.violations ?? []) : [];
    return violations.map(({ field, description }) => ({ path: field, message: description }));
  }
}

/** The setting that names the origin; "" when it is not told in one of them. */
function nameOf(provider: Provider<Message>, settings: Message, origin: string): string {
  const values = reflect(provider.settings as DescMessage, settings);
  const names = values.fields.filter((field) => {
    const value: unknown = values.get(field);
    return typeof value === "string" && URL.canParse(value) && new URL(value).origin === origin;
  });
  return names[0]?.name ?? "";
}
