import type { Call } from "./call.ts";
import type { Plan, Target } from "./plan.ts";

const texts = new WeakMap<Target, string>();

/**
 * What answered a call, as headers of a REST reply: `x-polygate-served`, and `x-polygate-dropped`, `-converted`, `-defaulted`
 * when a request member was not sent as asked. Flat name, value.
 */
export function servedHeaders(call: Call): readonly string[] {
  const { target, adjusted } = call;
  if (target === undefined) return NONE;
  let text = texts.get(target);
  if (text === undefined) {
    text = served(call.plan, target);
    texts.set(target, text);
  }
  const headers = ["x-polygate-served", `${text}; attempt=${call.attempt}`];
  if (adjusted) {
    for (const how of ["dropped", "converted", "defaulted"] as const) {
      if (adjusted[how].length > 0) headers.push(`x-polygate-${how}`, adjusted[how].map(encodeURI).join(", "));
    }
  }
  return headers;
}

const NONE: readonly string[] = [];

/** Names are percent-encoded: a header takes no other letters than ASCII. */
function served(plan: Plan, target: Target): string {
  const name = encodeURIComponent;
  return `route=${name(plan.route)}; provider=${name(target.provider)}; model=${name(target.model)}; target=${target.index}`;
}
