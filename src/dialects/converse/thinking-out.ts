import type { Call, Dialect } from "../../core/call.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { abilitiesOf } from "../openai/claude.ts";
import type { Taken } from "../openai/take.ts";
import { isClaude } from "./models.ts";

/** How a model is asked to think. */
export interface Thinking {
  /** Of `outputConfig`. */
  readonly effort?: string | undefined;
  /** Of `additionalModelRequestFields`, in the words of the model's maker. */
  readonly fields?: JsonObject;
  /** Thinking was turned on for the caller: what does not go with it has to give way. */
  readonly ours: boolean;
}

/** Tokens to think for an effort, for Claude's models that are told a budget; of the answer's limit at most four fifths. */
const BUDGETS: Readonly<Record<string, number>> = {
  minimal: 1024,
  low: 2048,
  medium: 8192,
  high: 16_384,
  xhigh: 32_768,
};
const LEAST_BUDGET = 1024;

const NOTHING: Thinking = { ours: false };

/**
 * Takes `reasoning_effort`, told as converted or, where the model has no word for it, as dropped. `thinking` is Claude's own and goes
 * through as it came; of other models it is asked as an effort.
 *
 * @param id Without region and address, such as `anthropic.claude-sonnet-4-6`.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_OutputConfig.html
 */
export function thinkingOut(
  call: Call,
  taken: Taken,
  id: string,
  maxTokens: number | undefined,
  given: Json | undefined,
): Thinking {
  const effort = taken.take("reasoning_effort");
  if (isClaude(id)) {
    // Callers of Anthropic's API say themselves whether to think.
    if (call.arrival.dialect === "anthropic")
      return { effort: typeof effort === "string" ? effort : undefined, ours: false };
    return byEffort(call, "reasoning_effort", id, effort, maxTokens, isObject(given));
  }
  if (typeof effort === "string" || !isObject(given) || !(speaksOfEffort(id) || TRANSLATED.has(call.arrival.dialect))) {
    return byEffort(call, "reasoning_effort", id, effort, maxTokens, false);
  }
  taken.take("thinking");
  return byEffort(call, "thinking", id, effortOf(given), maxTokens, false);
}

/** What they call thinking is another maker's word here; others who name it mean the model's own. */
const TRANSLATED: ReadonlySet<Dialect> = new Set(["anthropic", "gemini"]);

function byEffort(
  call: Call,
  member: string,
  id: string,
  effort: Json | undefined,
  maxTokens: number | undefined,
  given: boolean,
): Thinking {
  // None is what models do that are not told otherwise, as far as they can do without.
  if (typeof effort !== "string" || effort === "none") return NOTHING;
  const asked = given ? undefined : askedOf(id, effort, maxTokens);
  call.adjust(asked === undefined ? "dropped" : "converted", member);
  return asked ?? NOTHING;
}

/** The effort that a budget of Claude's comes to. */
function effortOf({ type, budget_tokens: budget }: Readonly<JsonObject>): string {
  if (type === "disabled") return "none";
  if (typeof budget !== "number") return "medium";
  return budget <= BUDGETS["low"]! ? "low" : budget <= BUDGETS["medium"]! ? "medium" : "high";
}

const isOpen = (id: string) => id.startsWith("openai.");
const isNova2 = (id: string) => id.startsWith("amazon.nova-2");
const speaksOfEffort = (id: string) => isOpen(id) || isNova2(id);

function askedOf(id: string, effort: string, maxTokens: number | undefined): Thinking | undefined {
  if (isOpen(id)) return { fields: { reasoning_effort: effort }, ours: false };
  if (isNova2(id)) {
    const maxReasoningEffort = effort === "minimal" ? "low" : effort === "xhigh" ? "high" : effort;
    return { fields: { reasoningConfig: { type: "enabled", maxReasoningEffort } }, ours: true };
  }
  if (!isClaude(id)) return undefined;
  const { thinks, xhigh } = abilitiesOf(id);
  if (thinks === "effort") {
    const said = effort === "minimal" ? "low" : effort === "xhigh" && !xhigh ? "high" : effort;
    return { effort: said, fields: { thinking: { type: "adaptive" } }, ours: true };
  }
  const most = Math.floor(((maxTokens ?? Number.MAX_SAFE_INTEGER) * 4) / 5);
  const budget_tokens = Math.min(BUDGETS[effort] ?? BUDGETS["medium"]!, most);
  if (thinks === "never" || budget_tokens < LEAST_BUDGET) return undefined;
  return { fields: { thinking: { type: "enabled", budget_tokens } }, ours: true };
}
