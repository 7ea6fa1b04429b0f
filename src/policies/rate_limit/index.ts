import { type RateLimitSettings, RateLimitSettingsSchema } from "../../../gen/policies/rate_limit/v1/settings_pb.js";
import type { Call } from "../../core/call.ts";
import { GatewayError } from "../../core/errors.ts";
import type { Hooks, Policy, PolicyTools } from "../../core/policy.ts";
import type { SettingsProblem } from "../../core/provider.ts";
import type { Counted } from "../../core/store.ts";
import { isKind, Keys, KINDS } from "./keys.ts";
import { longWords, periodOf } from "./period.ts";

/**
 * MLflow's `limit`: so many calls in a period that begins with the first of them. It counts a route's calls by every protocol
 * together, and by whom it is they come from.
 * @see https://mlflow.org/docs/2.22.1/llms/deployments/index.html
 */
export const policy: Policy<RateLimitSettings> = {
  kind: "rate_limit",
  settings: RateLimitSettingsSchema,
  check,
  compile,
};

function check({ renewalPeriod, key }: RateLimitSettings): readonly SettingsProblem[] {
  const problems: SettingsProblem[] = [];
  if (!periodOf(renewalPeriod)) {
    const message = "want second, minute, hour, day, month or year, or so many of them such as 5 minutes";
    problems.push({ path: "renewal_period", message });
  }
  if (key !== "" && !isKind(key)) {
    problems.push({ path: "key", message: `not one of ${KINDS.join(", ")}; read as user`, warning: true });
  }
  return problems;
}

/** Costs a call about 0.5 us. */
function compile({ calls = 0, renewalPeriod, key }: RateLimitSettings, { counters, route }: PolicyTools): Hooks {
  const { ms, text } = periodOf(renewalPeriod)!;
  const quota = `${calls} per ${text}`;
  // Without `calls`: when they alone are changed, what was used stays used.
  const keys = new Keys(`rate_limit ${route} ${ms} `);
  const words = `Rate limit exceeded: ${quota} on the route ${JSON.stringify(route)}, ${calls} used; try again in `;
  const kind = isKind(key) ? key : "user";

  function hold(call: Call, { total, leftMs }: Counted): GatewayError | undefined {
    const left = Math.max(0, calls - total);
    if (call.quota === undefined || left < call.quota.left) call.quota = { limit: calls, left, leftMs };
    return total > calls ? exceeded(words, quota, leftMs) : undefined;
  }

  return {
    limit: { calls, renewalPeriod, key: key === "" ? undefined : key },
    before(call) {
      const now = counters.add(keys[kind](call), 1, ms);
      return now instanceof Promise ? now.then((later) => hold(call, later)) : hold(call, now);
    },
  };
}

function exceeded(words: string, quota: string, leftMs: number): GatewayError {
  return new GatewayError(`${words}${longWords(leftMs)}.`, { reason: "RATE_EXCEEDED", retryAfterMs: leftMs, quota });
}
