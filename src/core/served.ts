import type { Call, Quota } from "./call.ts";
import type { Plan, Target } from "./plan.ts";

const texts = new WeakMap<Target, string>();

/**
 * What a REST reply tells of its call; flat name, value. Where the caller stands with the route's limit: `x-ratelimit-limit`,
 * `-remaining` and `-reset` (seconds). What answered: `x-polygate-served`, and `x-polygate-dropped`, `-converted`,
 * `-defaulted` when a request member was not sent as asked.
 */
export function servedHeaders(call: Call): readonly string[] {
  const { target, adjusted, quota } = call;
  const { notice = NONE } = call.plan;
  const limit = quota === undefined ? notice : [...notice, ...quotaHeaders(quota)];
  if (target === undefined) return limit;
  let text = texts.get(target);
  if (text === undefined) {
    text = served(call.plan, target);
    texts.set(target, text);
  }
  const headers = [...limit, "x-polygate-served", `${text}; attempt=${call.attempt}; revision=${call.plan.revision}`];
  if (adjusted) {
    for (const how of ["dropped", "converted", "defaulted"] as const) {
      if (adjusted[how].length > 0) headers.push(`x-polygate-${how}`, adjusted[how].map(headerText).join(", "));
    }
  }
  return headers;
}

const NONE: readonly string[] = [];

function quotaHeaders({ limit, left, leftMs }: Quota): readonly string[] {
  const reset = String(Math.ceil(leftMs / 1000));
  return ["x-ratelimit-limit", String(limit), "x-ratelimit-remaining", String(left), "x-ratelimit-reset", reset];
}

/** Names are percent-encoded: a header takes no other letters than ASCII. */
function served(plan: Plan, target: Target): string {
  const name = encodeURIComponent;
  return `route=${name(plan.route)}; provider=${name(target.provider)}; model=${name(target.model)}; target=${target.index}`;
}

/** Paths that a header takes as they stand, as most are. */
const PLAIN_PATH = /^[\w.[\]-]*$/;

/** A path as it stands, but for letters that no header takes. */
function headerText(path: string): string {
  return PLAIN_PATH.test(path) ? path : encodeURI(path).replace(/%5B/g, "[").replace(/%5D/g, "]");
}
