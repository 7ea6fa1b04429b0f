import type { Message } from "@bufbuild/protobuf";
import type { Duration } from "@bufbuild/protobuf/wkt";
import {
  type Config,
  Lifecycle,
  type Limits as LimitsMessage,
  type Model,
  type Route,
} from "../gen/polygate/config/v1/config_pb.js";
import { modelsOf } from "./config/check.ts";
import type { Loaded } from "./config/load.ts";
import { sharesOf } from "./config/shares.ts";
import { errors } from "./core/errors.ts";
import { spread, turned } from "./core/order.ts";
import type { Plan } from "./core/plan.ts";
import type { Hooks, Policy } from "./core/policy.ts";
import type { Provider, ServedVersion, Tools } from "./core/provider.ts";
import { type Cors, ROUTE_TYPES, type RouteInfo, type RouteType, type Site } from "./core/site.ts";
import type { Counters } from "./core/store.ts";
import type { KeyRing } from "./core/stored.ts";
import { isListed, noticeOf, refusalOf } from "./lifecycle.ts";
import { egressOf } from "./net/egress.ts";
import type { Dialer } from "./net/send.ts";
import { type Dialings, originsOf, type Planning, targetOf } from "./targets.ts";

const MIB = 1024 * 1024;

/** What a route is held to when neither it nor the file says otherwise. */
const DEFAULTS = {
  connectMs: 5_000,
  firstByteMs: 60_000,
  chunkMs: 60_000,
  totalMs: 600_000,
  maxRequestBytes: 32 * MIB,
  maxReplyBytes: 64 * MIB,
};

/** Parts of a request for predictions that are under way at a time. */
const MAX_PARALLEL = 8;

/** Everything that compiling needs; `hooks` are put around every route, in order, before its policies. */
export interface Compiling {
  readonly config: Config;
  readonly settings: ReadonlyMap<Model, Message>;
  readonly uses: Loaded["policies"];
  readonly providers: ReadonlyMap<string, Provider<unknown>>;
  readonly policies: ReadonlyMap<string, Policy<unknown>>;
  readonly dialer: Dialer;
  readonly tools: Tools;
  readonly counters: Counters;
  readonly keys: KeyRing;
  readonly hooks: readonly Hooks[];
  /** What MLflow's registry told of the models that are named as it names them. */
  readonly served: ReadonlyMap<string, ServedVersion>;
  readonly owners: Loaded["owners"];
  readonly generation: number;
  readonly revision: number;
}

/** What stands behind one name, whatever its place in its life. */
export interface Inside {
  readonly route: Route;
  readonly info: RouteInfo;
  readonly plan: Plan;
  /** Policies of the whole gateway, then the route's own, in the order in which they act. */
  readonly steps: readonly Step[];
}

/** A policy's part in a plan. */
export interface Step {
  readonly kind: string;
  readonly hooks: Hooks;
}

/** A site that can be looked into. */
export interface Compiled extends Site {
  inside(name: string): Inside | undefined;
}

/** Decides everything about a loaded config that can be decided before the first request. */
export function compile(from: Compiling): Compiled {
  const limits = merge(DEFAULTS, from.config.limits);
  const [dialings, strangers] = [dialingsOf(from.config), strangersOf(from)];
  const wide = policiesOf(from, from.config, "");
  const routes = new Map<string, Inside>();
  for (const route of from.config.routes) {
    const own = policiesOf(from, route, route.name);
    const steps = [...wide, ...own];
    const hooks = [...from.hooks, ...steps.map((step) => step.hooks)];
    const plan = planOf({ ...from, dialings, strangers }, route, merge(limits, route.limits), hooks);
    routes.set(route.name, { route, info: infoOf(route, plan, own, from.config), plan, steps });
  }
  const all = [...routes.values()];
  const found = new Map(
    all.filter(({ route }) => route.lifecycle !== Lifecycle.DRAFT).map((one) => [one.info.name, one]),
  );
  const refusals = new Map(
    all.flatMap(({ plan, route }) => {
      const refusal = refusalOf(route);
      return refusal ? [[plan, refusal] as const] : [];
    }),
  );
  return Object.freeze<Compiled>({
    generation: from.generation,
    revision: from.revision,
    loadedAt: Math.floor(from.tools.wallNow() / 1000),
    routes: all.filter(({ route }) => isListed(route)).map(({ info }) => info),
    route: (name) => found.get(name)?.info,
    inside: (name) => routes.get(name),
    paths: pathsOf(from.config),
    plan(op, name) {
      const one = found.get(name);
      if (one === undefined) throw errors.routeUnknown(name);
      const { plan, info } = one;
      if (refusals.size > 0 && refusals.has(plan)) throw refusals.get(plan)!();
      if (plan.op !== op) {
        throw errors.operationUnsupported(
          `The route ${JSON.stringify(name)} is of type ${info.routeType}; it does not do ${op}.`,
        );
      }
      return plan;
    },
    admit: wide.find(({ hooks }) => hooks.admit)?.hooks.admit,
    maxRequestBytes: limits.maxRequestBytes,
    origins: all.flatMap(({ plan }) => plan.targets.flatMap(originsOf)),
    cors: corsOf(from.config),
  });
}

/** What the policies of a route, or of the whole gateway, do. */
function policiesOf(
  { uses, policies, tools, counters, keys }: Compiling,
  owner: Config | Route,
  route: string,
): Step[] {
  return (uses.get(owner) ?? []).map(({ kind, settings }) => {
    const hooks = policies.get(kind)!.compile(settings, { ...tools, counters, keys, route });
    return { kind, hooks };
  });
}

function dialingsOf({ egress }: Config): Dialings {
  const [allow, maxConnections] = [egress?.allow ?? [], egress?.maxConnections ?? 4096];
  return {
    file: { egress: egressOf(allow, "file"), maxConnections },
    api: { egress: egressOf(allow, "api"), maxConnections },
  };
}

/** A config file is its operator's word; what came over the network later is not. */
function strangersOf({ config, owners }: Compiling): ReadonlySet<Model> {
  return new Set(config.routes.filter((route) => owners.get(route)?.kind === "api").flatMap(modelsOf));
}

function planOf(from: Planning, route: Route, limits: typeof DEFAULTS, all: readonly Hooks[]): Plan {
  const op = ROUTE_TYPES[route.routeType as RouteType];
  const shares = sharesOf(route, from.config);
  const { connectMs } = limits;
  const targets = shares.map(({ model }, index) => targetOf(from, { op, model, index, connectMs }));
  const weighed = targets.flatMap((target, at) => {
    const { weight } = shares[at]!;
    return weight === undefined ? [] : { target, weight };
  });
  const pick = <Name extends keyof Hooks>(name: Name) =>
    all.map((hooks) => hooks[name]).filter((hook) => hook !== undefined) as NonNullable<Hooks[Name]>[];
  return Object.freeze<Plan>({
    route: route.name,
    op,
    revision: from.revision,
    notice: noticeOf(route, from.tools.wallNow()),
    strict: route.strict,
    targets,
    order: turned(targets, weighed.length > 0 ? spread(weighed, () => from.tools.random()) : undefined),
    batch: route.batch && { maxRows: route.batch.maxRows, maxParallel: route.batch.maxParallel ?? MAX_PARALLEL },
    before: pick("before"),
    reply: pick("reply"),
    chunk: pick("chunk"),
    fault: pick("fault"),
    settle: pick("settle"),
    ...limits,
  });
}

function infoOf(route: Route, plan: Plan, own: readonly Step[], config: Config): RouteInfo {
  const shares = sharesOf(route, config);
  const targets = plan.targets.map(({ provider, model }, at) => ({ provider, model, weight: shares[at]!.weight }));
  const destinations = route.destinations.length > 0 ? route.destinations.map(({ name }) => name) : undefined;
  const limit = own.find(({ hooks }) => hooks.limit)?.hooks.limit;
  const legacy = (route.mlflow?.format || config.mlflow?.format) === "legacy";
  const routeType = route.routeType as RouteType;
  return { name: route.name, routeType, op: plan.op, targets, destinations, limit, legacy };
}

function merge(base: typeof DEFAULTS, over: LimitsMessage | undefined): typeof DEFAULTS {
  return {
    connectMs: ms(over?.connectTimeout) ?? base.connectMs,
    firstByteMs: ms(over?.firstByteTimeout) ?? base.firstByteMs,
    chunkMs: ms(over?.chunkTimeout) ?? base.chunkMs,
    totalMs: ms(over?.totalTimeout) ?? base.totalMs,
    maxRequestBytes: over?.maxRequestBytes ?? base.maxRequestBytes,
    maxReplyBytes: over?.maxReplyBytes ?? base.maxReplyBytes,
  };
}

function pathsOf({ routes }: Config): Site["paths"] {
  const all = routes.flatMap(({ path, name }): [string, string][] => (path === "" ? [] : [[path, name]]));
  return all.length > 0 ? new Map(all) : undefined;
}

function corsOf({ listen }: Config): Cors {
  const cors = listen?.cors;
  return { origins: cors?.allowedOrigins ?? [], maxAgeSeconds: (ms(cors?.maxAge) ?? 7_200_000) / 1000 };
}

/** Milliseconds of a duration. */
export function ms(duration: Duration | undefined): number | undefined {
  return duration && Number(duration.seconds) * 1000 + duration.nanos / 1e6;
}
