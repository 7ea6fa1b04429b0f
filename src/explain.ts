import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type ExplainRouteRequest,
  type ExplainRouteResponse,
  ExplainRouteResponseSchema,
  type PlanStepSchema,
  type TargetExplanationSchema,
} from "../gen/polygate/admin/v1/route_admin_pb.js";
import { type BuildParts, type Built, build, type Read } from "./build.ts";
import type { Compiled, Inside, Step } from "./compile.ts";
import type { Loaded } from "./config/load.ts";
import { sharesOf } from "./config/shares.ts";
import type { Actor } from "./core/admin.ts";
import { Body } from "./core/body.ts";
import { Call, type Operation } from "./core/call.ts";
import { asGatewayError, errors } from "./core/errors.ts";
import { forbiddenCall, principalOf } from "./core/grants.ts";
import type { JsonObject } from "./core/json.ts";
import type { KeyRecord } from "./core/ledger.ts";
import type { Target } from "./core/plan.ts";
import type { Principal } from "./core/principal.ts";
import { fileKeysOf } from "./file-keys.ts";
import { type Mask, masked, maskedHeaders } from "./masked.ts";
import { Dialer } from "./net/send.ts";

/** What explaining needs. */
export interface Explaining {
  readonly states: Read & Built;
  /** Of MLflow's registry. */
  readonly told: Parameters<typeof build>[3];
  readonly build: BuildParts;
  /** A key of the store. */
  readonly key: (id: string) => Promise<KeyRecord | undefined>;
  /** A secret as it is shown. */
  readonly mask: (secret: string) => string;
}

/** Characters; every secret is looked for in what comes of it. */
const MAX_REQUEST = 1 << 20;

/** Says what would be done with a request, and does none of it: no provider is asked, and nobody for a credential. */
export async function explain(
  explaining: Explaining,
  request: ExplainRouteRequest,
  actor: Actor,
): Promise<ExplainRouteResponse> {
  const { states, mask } = explaining;
  const json = (request.request ?? {}) as JsonObject;
  const name = json["model"];
  if (typeof name !== "string") throw errors.fieldInvalid([{ field: "request.model", description: "names the route" }]);
  const said = JSON.stringify(json);
  if (said.length > MAX_REQUEST)
    throw errors.fieldInvalid([{ field: "request", description: "is over 1 MiB; explain a shorter one" }]);
  const [loaded, site] = stateWith(states, name);
  const op = request.operation as Operation;
  const inside = (await lookedAt(explaining, loaded, site, name)).inside(name)!;
  const principal = await principalFor(explaining, loaded, request.principal, actor);
  const refusal = refusalOf(site, inside, op, principal);
  const fits = inside.plan.op === op;
  const secrets: Mask = { secrets: loaded.secrets, mask };
  const targets = fits ? await targetsOf(inside, loaded, { op, json, said, actor, principal }, secrets) : [];
  return create(ExplainRouteResponseSchema, {
    revision: BigInt(site.revision),
    allowed: refusal === undefined,
    refusal: refusal ?? "",
    steps: inside.steps.map(stepOf),
    targets,
  });
}

/** The live state, or the staged one for a route that only that has. */
function stateWith({ loaded, staged, live, young }: Explaining["states"], name: string): [Loaded, Compiled] {
  if (live.inside(name)) return [loaded, live];
  if (staged && young?.inside(name)) return [staged, young];
  throw errors.routeUnknown(name, "request.model");
}

/** The route compiled once more, with stand-ins for what is lent elsewhere. */
async function lookedAt(
  { build: parts, told }: Explaining,
  loaded: Loaded,
  site: Compiled,
  name: string,
): Promise<Compiled> {
  const { route } = site.inside(name)!;
  const names = new Set([name, ...route.destinations.map((one) => one.name)]);
  const config = { ...loaded.config, routes: loaded.config.routes.filter((one) => names.has(one.name)) };
  // The policies of the whole gateway are found by its config.
  const policies = new Map(loaded.policies).set(config, loaded.policies.get(loaded.config) ?? []);
  const dialer = new Dialer();
  try {
    const tools = { ...parts.tools, standIn: true as const };
    return (
      await build(
        { ...parts, dialer, tools, hooks: [] },
        { loaded: { ...loaded, config, policies }, stored: undefined },
        0,
        told,
      )
    ).live;
  } finally {
    await dialer.close();
  }
}

async function principalFor(explaining: Explaining, loaded: Loaded, who: string, actor: Actor): Promise<Principal> {
  if (who === "") return actor.principal;
  const key = await explaining.key(who);
  if (key) {
    const good =
      key.revokedAt === undefined && (key.expiresAt ?? Number.POSITIVE_INFINITY) > explaining.build.tools.wallNow();
    return principalOf(key.name, key.id, good ? key.grants : []);
  }
  const ofFile = fileKeysOf(loaded)?.find(({ name }) => name === who);
  if (ofFile) return principalOf(ofFile.name, "", ofFile.grants);
  throw errors.resourceUnknown(`No key has the id ${JSON.stringify(who)}, and none of the file the name.`);
}

function refusalOf(site: Compiled, { plan }: Inside, op: Operation, principal: Principal): string | undefined {
  if (!principal.mayCall(op, plan.route)) return forbiddenCall(principal, op, plan.route).message;
  try {
    site.plan(op, plan.route);
    return undefined;
  } catch (thrown) {
    return asGatewayError(thrown).message;
  }
}

const PHASES = ["admit", "before", "reply", "chunk", "settle"] as const;

function stepOf({ kind, hooks }: Step): MessageInitShape<typeof PlanStepSchema> {
  const { limit } = hooks;
  const phases = PHASES.filter((phase) => hooks[phase] !== undefined);
  const by = limit?.key === undefined ? "" : `, by ${limit.key}`;
  const description = limit
    ? `${limit.calls} per ${limit.renewalPeriod}${by}`
    : hooks.admit
      ? "callers show a key"
      : "";
  return { kind, phases, description };
}

/** What is asked, and by whom. */
interface Asked {
  readonly op: Operation;
  readonly json: JsonObject;
  /** The same as a text. */
  readonly said: string;
  readonly actor: Actor;
  readonly principal: Principal;
}

type Explained = MessageInitShape<typeof TargetExplanationSchema>;

async function targetsOf(inside: Inside, loaded: Loaded, asked: Asked, secrets: Mask): Promise<Explained[]> {
  const { plan, route } = inside;
  const weights = sharesOf(route, loaded.config).map(({ weight }) => weight);
  const total = weights.reduce<number>((sum, weight = 0) => sum + weight, 0);
  const order = plan.order?.() ?? plan.targets;
  const explained: Explained[] = [];
  for (const [place, target] of order.entries()) {
    const weight = weights[target.index];
    const share = weight === undefined ? "" : `weight ${weight} of ${total}`;
    const first = weight === undefined ? "first in the list" : `drawn, ${share}`;
    const later = `when ${place === 1 ? "the one" : `all ${place}`} before fail${place === 1 ? "s" : ""}${share && `, ${share}`}`;
    explained.push({ ...(await targetOf(inside, target, place, asked, secrets)), reason: place === 0 ? first : later });
  }
  return explained;
}

/** Secrets that the request does not have itself: a mask in the place of a guess would say that it is right. */
function unsaid({ secrets, mask }: Mask, said: string): Mask {
  return { secrets: secrets.filter((secret) => !said.includes(JSON.stringify(secret).slice(1, -1))), mask };
}

/** The request that the target would be sent. */
async function targetOf(
  { plan }: Inside,
  target: Target,
  place: number,
  { op, json, said, actor, principal }: Asked,
  secrets: Mask,
): Promise<Explained> {
  const { provider, model, upstream } = target;
  const who = { name: String(target.index), model: { provider, name: model } };
  const arrival = {
    id: actor.requestId,
    protocol: "openai",
    dialect: "openai",
    headers: {},
    remote: actor.remote,
    principal,
    started: 0,
    timeoutMs: undefined,
  } as const;
  const stream = json["stream"] === true && op !== "embeddings";
  const call = new Call(arrival, plan, Body.ofJson(structuredClone(json)), stream);
  call.target = target;
  call.attempt = place + 1;
  const told = () => ({
    dropped: call.adjusted?.dropped ?? [],
    converted: call.adjusted?.converted ?? [],
    defaulted: call.adjusted?.defaulted ?? [],
  });
  try {
    const { method = "POST", path, headers, body } = await upstream.encode(call, call.body, model);
    const strict =
      plan.strict && call.adjusted !== undefined ? "The route is strict, and the request would be changed." : "";
    return {
      target: who,
      method,
      url: upstream.origin === undefined ? "" : masked(secrets, `${upstream.origin}${path}`),
      headers: maskedHeaders(secrets, headers),
      body: method === "GET" ? "" : masked(unsaid(secrets, said), body.toString("utf8")),
      refusal: strict,
      ...told(),
    };
  } catch (thrown) {
    return { target: who, refusal: masked(secrets, asGatewayError(thrown).message), ...told() };
  }
}
