import { errors } from "./errors.ts";
import { forbiddenCall } from "./grants.ts";
import type { JsonObject } from "./json.ts";
import type { Plan, Target } from "./plan.ts";
import type { Principal } from "./principal.ts";
import type { Upstream } from "./provider.ts";

const plans = new WeakMap<Plan, Plan>();

/** A count of tokens, which is what the plan that `counting` makes answers with. */
export interface Counted extends JsonObject {
  input_tokens: number;
  /** What the provider told, in its own words. */
  told: JsonObject;
}

/**
 * The plan by which a route's chat is counted and not answered: those of its targets that can count, under the same limits.
 * Throws OPERATION_UNSUPPORTED when none can: an estimate would be taken for a count. Throws CALLER_FORBIDDEN for a caller who may
 * not use the route: whose models it has is not for them.
 */
export function counting(plan: Plan, principal: Principal): Plan {
  if (!principal.mayCall(plan.op, plan.route)) throw forbiddenCall(principal, plan.op, plan.route);
  const known = plans.get(plan) ?? planned(plan);
  plans.set(plan, known);
  if (known.targets.length > 0) return known;
  const kinds = [...new Set(plan.targets.map(({ provider }) => provider))].join(", ");
  throw errors.operationUnsupported(
    `The route ${plan.route} cannot count tokens: its provider (${kinds}) does not tell them without answering.`,
  );
}

function planned(plan: Plan): Plan {
  const targets = plan.targets.flatMap((target) => counter(target) ?? []);
  return Object.freeze({ ...plan, targets, order: undefined, reply: [], chunk: [] });
}

function counter(target: Target): Target | undefined {
  const { upstream } = target;
  if (upstream.counts === undefined) return undefined;
  const asCounts: Upstream = {
    ...upstream,
    encode: (call, body, model) => upstream.counts!(call, body, model),
    reads: { chat: { reply: (_, json) => countIn(upstream, json) } },
  };
  return { ...target, upstream: asCounts };
}

function countIn(upstream: Upstream, json: Readonly<JsonObject>): Counted {
  const count = upstream.counted === undefined ? json["input_tokens"] : upstream.counted(json);
  if (typeof count !== "number") throw errors.upstreamFailed("The provider's answer is no count of tokens.");
  return { input_tokens: count, told: { ...json } };
}
