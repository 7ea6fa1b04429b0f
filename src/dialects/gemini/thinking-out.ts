import type { Call } from "../../core/call.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { present } from "../openai/make.ts";
import type { Taken } from "../openai/take.ts";
import { fields, numberIn, textIn } from "./fields.ts";

/** Tokens of thinking for models that take a budget, as Google's own OpenAI API has them. */
const BUDGETS: Readonly<Record<string, number>> = { minimal: 1024, low: 1024, medium: 8192, high: 24576 };
/** Least budget of models that cannot leave thinking. */
const LEAST_BUDGET = 128;

/**
 * How much to think, as `thinkingConfig`: `reasoning_effort` is a level for Gemini 3 and later and a budget for those before;
 * an exact budget is sent as it is. What is thought is asked for too: callers get it as `reasoning`.
 *
 * @param given What the caller said in Google's own words; it wins.
 * @see https://ai.google.dev/gemini-api/docs/openai#thinking
 */
export function thinkingOut(call: Call, taken: Taken, model: string, given: Json | undefined): JsonObject | undefined {
  const own = fields(given);
  const thinking = taken.take("thinking");
  const exact = isObject(thinking) ? budgetOf(thinking) : undefined;
  const effort = textIn(taken.take("reasoning_effort"));
  let made: JsonObject | undefined;
  if (exact !== undefined) {
    made = { thinkingBudget: exact };
    if (effort !== undefined) call.adjust("dropped", "reasoning_effort");
  } else if (effort !== undefined) made = ofEffort(call, effort, model);
  if (made === undefined) return Object.keys(own).length === 0 ? undefined : own;
  const thinks = made["thinkingBudget"] !== 0;
  return present({ ...made, includeThoughts: thinks ? true : undefined, ...own });
}

function budgetOf({ type, budget_tokens }: JsonObject): number | undefined {
  if (type === "disabled") return 0;
  // As much as the model finds right.
  return numberIn(budget_tokens) ?? (type === "adaptive" ? -1 : undefined);
}

function ofEffort(call: Call, effort: string, model: string): JsonObject {
  const converted = (config: JsonObject) => {
    call.adjust("converted", "reasoning_effort");
    return config;
  };
  const isPro = /-pro\b/.test(model);
  if (/gemini-(?:1|2)\b/.test(model)) {
    if (effort === "none") return isPro ? converted({ thinkingBudget: LEAST_BUDGET }) : { thinkingBudget: 0 };
    const thinkingBudget = BUDGETS[effort];
    return thinkingBudget === undefined ? converted({ thinkingBudget: BUDGETS["high"]! }) : { thinkingBudget };
  }
  // Models that are called pro know no less than low, and none can leave it.
  if (effort === "none" || effort === "minimal") {
    const config = { thinkingLevel: isPro ? "LOW" : "MINIMAL" };
    return effort === "minimal" && !isPro ? config : converted(config);
  }
  if (effort === "low" || effort === "medium" || effort === "high") return { thinkingLevel: effort.toUpperCase() };
  return converted({ thinkingLevel: "HIGH" });
}
