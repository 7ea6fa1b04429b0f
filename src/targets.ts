import type { Model } from "../gen/polygate/config/v1/config_pb.js";
import type { Compiling } from "./compile.ts";
import type { Operation } from "./core/call.ts";
import { errors, GatewayError } from "./core/errors.ts";
import type { Target } from "./core/plan.ts";
import type { ServedVersion, Upstream } from "./core/provider.ts";
import { isRegistered } from "./core/registered.ts";
import type { NamedBy } from "./net/egress.ts";
import type { Dialing } from "./net/send.ts";
import { providerKindOf } from "./registry.ts";

/** How what somebody named may be dialed. */
export type Dialings = Readonly<Record<NamedBy, Omit<Dialing, "connectMs">>>;

/** What all targets of a config are made with. */
export interface Planning extends Compiling {
  readonly dialings: Dialings;
  /** Models that came over the network. */
  readonly strangers: ReadonlySet<Model>;
}

/** What one target is made of. */
export interface Targeting {
  readonly op: Operation;
  readonly model: Model;
  /** Of the target in its route. */
  readonly index: number;
  readonly connectMs: number;
}

/** A model's target, with its instances where its registry tells of several. */
export function targetOf(from: Planning, targeting: Targeting): Target {
  const served = from.served.get(targeting.model.name);
  const first = instanceOf(from, targeting, served);
  if (!served?.more?.length) return first;
  return { ...first, more: served.more.map((url) => instanceOf(from, targeting, { ...served, url })) };
}

/** Every origin that a target may dial. */
export function originsOf({ upstream, more = [] }: Target): readonly string[] {
  return [upstream, ...more.map((one) => one.upstream)].flatMap(({ origin }) => origin ?? []);
}

function instanceOf(
  from: Planning,
  { op, model, index, connectMs }: Targeting,
  told: ServedVersion | undefined,
): Target {
  const kind = providerKindOf(model.provider)!;
  const provider = from.providers.get(kind)!;
  const named = provider.registered && isRegistered(model.name);
  const served = named ? told : undefined;
  if (served === undefined && named) {
    const why = `MLflow's registry has not told yet where ${JSON.stringify(model.name)} is served; try again later.`;
    return refusing(index, kind, model.name, NOWHERE, () => new GatewayError(why, { reason: "UPSTREAM_UNREACHABLE" }));
  }
  const strange = from.strangers.has(model);
  // Where a version is served is the operator's word, whoever names the model, unless a tag says it.
  const by = (served === undefined ? strange : served.by === "tag") ? "api" : "file";
  const dialing = { ...from.dialings[by], connectMs };
  const dial = (origin: string) => from.dialer.to(origin, dialing);
  const upstream: Upstream = provider.open(from.settings.get(model), {
    ...from.tools,
    dial,
    // The environment's credentials are the operator's.
    ...(strange && { env: () => undefined, stranger: true as const }),
    ...(served && { served }),
  });
  const name = served ? `models:/${served.model}/${served.version}` : model.name;
  const speaks = upstream.speaks[op];
  if (speaks === undefined) return lacking(index, kind, name, op, upstream);
  const exchange = upstream.exchange ?? dial(upstream.origin!);
  return { index, provider: kind, model: name, upstream, exchange, speaks };
}

/** A target whose provider does not do what the route does: the config is loaded, as MLflow loads it, and calls are refused. */
function lacking(index: number, provider: string, model: string, op: Operation, upstream: Upstream): Target {
  const does = Object.keys(upstream.speaks).join(" and ");
  const why = `The provider ${provider} does not do ${op} with the model ${JSON.stringify(model)}; it does ${does}.`;
  return refusing(index, provider, model, upstream, () => errors.operationUnsupported(why));
}

/** A target that is never asked. */
function refusing(
  index: number,
  provider: string,
  model: string,
  upstream: Upstream,
  refusal: () => GatewayError,
): Target {
  const { batches: _, ...rest } = upstream;
  const encode = () => {
    throw refusal();
  };
  const exchange = () => {
    throw new Error("nothing was encoded");
  };
  return { index, provider, model, upstream: { ...rest, encode }, exchange, speaks: "openai" };
}

/** Of a model of which nobody knows where it is. */
const NOWHERE: Upstream = {
  origin: undefined,
  speaks: {},
  encode() {
    throw new Error("it is nowhere");
  },
  usage: () => undefined,
  fault: () => errors.upstreamFailed("Nobody was asked."),
};
