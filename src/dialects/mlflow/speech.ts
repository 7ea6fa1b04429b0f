import type { MlflowEra, Operation } from "../../core/call.ts";

/**
 * `legacy` is MLflow 2.5-2.8: `candidates`, `embeddings`, `metadata`, `text`, `candidate_count`, temperature 0-1.
 * `modern` is MLflow 2.9 and later: OpenAI-like, `n`, `input`, temperature 0-2.
 */
export type Format = "legacy" | "modern";

/** How one caller speaks MLflow. */
export interface Speech {
  readonly format: Format;
  /** MLflow 2.x puts in temperature 0 where the caller named none; 3.x and callers unknown get the provider's default. */
  readonly fillTemperature: boolean;
  /** Every MLflow puts in a count of 1. For callers unknown nothing is added. */
  readonly fillCount: boolean;
  /** MLflow's own client of 2.x, as it says itself: its gateway's forms are kept to the letter. */
  readonly era?: MlflowEra;
}

const LEGACY: Speech = { format: "legacy", fillTemperature: true, fillCount: true };
const CLIENT_8: Speech = { ...LEGACY, era: "2.8" };
const CLIENT_22: Speech = { format: "modern", fillTemperature: true, fillCount: true, era: "2.22" };
const MODERN_3: Speech = { format: "modern", fillTemperature: false, fillCount: true };
const PLAIN: Speech = { format: "modern", fillTemperature: false, fillCount: false };

const CLIENT = /(?:^|\s)mlflow-python-client\/(\d+)\.(\d+)/;

/**
 * Tells the eras apart, which share one URL: MLflow's own client says its version; else the old keys give 2.5-2.8 away;
 * else it is modern.
 *
 * @param userAgent The header as sent.
 * @param keys Members of the request's body; none for a request without one.
 */
export function speechOf(userAgent: string | undefined, op: Operation | undefined, keys: readonly string[]): Speech {
  const client = userAgent === undefined ? null : CLIENT.exec(userAgent);
  if (client) {
    const [major, minor] = [Number(client[1]), Number(client[2])];
    if (major >= 3) return MODERN_3;
    return major === 2 && minor >= 9 ? CLIENT_22 : CLIENT_8;
  }
  const old = op === "embeddings" ? oldOnly(keys, "text", "input") : oldOnly(keys, "candidate_count", "n");
  return old ? LEGACY : PLAIN;
}

/** A body with both is of the newer form: there the old key is a stranger that is passed on. */
function oldOnly(keys: readonly string[], old: string, now: string): boolean {
  return keys.includes(old) && !keys.includes(now);
}

/** How somebody speaks who did not give it away, at a route whose config says what such callers speak. */
export function speechAt(route: { readonly legacy?: boolean }, speech: Speech, keys: readonly string[]): Speech {
  if (route.legacy !== true || speech !== PLAIN) return speech;
  return keys.includes("n") || keys.includes("input") ? speech : LEGACY;
}
