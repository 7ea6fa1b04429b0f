import type { Operation } from "../../../core/call.ts";
import { isObject, type Json, type JsonObject, objectsIn, textIn } from "../../../core/json.ts";

/** Why MLflow's adapter of an era refused a request; `undefined`: it did not. */
export type Rule = (json: Readonly<JsonObject>, legacy: boolean) => readonly [http: number, words: string] | undefined;

const has = (value: Json | undefined) => value !== undefined && value !== null;
const said = (value: Json | undefined) => (typeof value === "string" ? value : JSON.stringify(value));
const last = (json: Readonly<JsonObject>) => objectsIn(json["messages"]).at(-1);
const countOf = (json: Readonly<JsonObject>, legacy: boolean) => json[legacy ? "candidate_count" : "n"] ?? 1;
const nameOf = (legacy: boolean) => (legacy ? "candidate_count" : "n");

/** @param told Between the name of the provider and what was received. */
function oneOnly(provider: string, told = "provider. "): Rule {
  return (json, legacy) => {
    const n = countOf(json, legacy);
    if (n === 1) return undefined;
    return [422, `'${nameOf(legacy)}' must be '1' for ${provider} ${told}Received value: '${said(n)}'.`];
  };
}

/** The captured text has the braces: a format that was never filled in. */
const oneChat: Rule = (json) =>
  (json["n"] ?? 1) === 1 ? undefined : [422, "'n' must be '1' for the Anthropic provider. Received value: '{n}'."];

/** The temperature is always there: MLflow puts one in. */
function notBoth(more: string): Rule {
  return (json) =>
    has(json["top_p"]) ? [422, `Cannot set both 'temperature' and 'top_p' parameters.${more}`] : undefined;
}
const notBothCompleting = notBoth(" Please use only the temperature parameter for your query.");

const million: Rule = ({ max_tokens: most }) =>
  typeof most === "number" && most > 1_000_000
    ? [422, "Invalid value for max_tokens: cannot exceed 1000000."]
    : undefined;

const noStreamWord: Rule = ({ stream }, legacy) =>
  legacy && stream === "true"
    ? [422, "Setting the 'stream' parameter to 'true' is not supported with the MLflow Gateway."]
    : undefined;

const cohereStop: Rule = ({ stop }) =>
  has(stop) ? [422, "Parameter stop is not supported for Cohere chat."] : undefined;
const cohereCount: Rule = ({ n = 1 }) =>
  (n ?? 1) === 1 ? undefined : [422, `Parameter n must be 1 for Cohere chat, got ${said(n)}.`];
const cohereLast: Rule = (json) => {
  const role = last(json)?.["role"];
  return role === "user" ? undefined : [422, `Last message must be from user, got ${said(role)}.`];
};

const llamaRoles: Rule = ({ messages }) => {
  const wrong = objectsIn(messages).find(({ role }) => !["system", "user", "assistant"].includes(textIn(role)));
  if (wrong === undefined) return undefined;
  const why = `Invalid role ${said(wrong["role"])} inputted. Must be one of 'system', 'user', or 'assistant'.`;
  return [422, `An invalid request structure was submitted. ${why}`];
};

const oneMessage: Rule = ({ messages }) => {
  const count = Array.isArray(messages) ? messages.filter(isObject).length : 0;
  if (count === 1) return undefined;
  const why = "MLflow chat models are only capable of processing a single query at a time.";
  return [422, `${why} The request submitted consists of ${count} queries.`];
};

const needsMaxTokens: Rule = ({ max_tokens: most }) =>
  has(most)
    ? undefined
    : [422, "max_tokens is not present in payload.It is a required parameter for TogetherAI completions."];

const CLAUDE: readonly Rule[] = [noStreamWord, oneOnly("the Anthropic"), notBothCompleting, million];
const titanOne: Rule = (json, legacy) => (legacy ? undefined : oneOnly("AWS Titan", "models. ")(json, legacy));

/** By provider, the maker of the model where it matters, and operation. */
const RULES: Readonly<Record<string, readonly Rule[]>> = {
  "anthropic chat": [oneChat, notBoth(""), million],
  "anthropic completions": CLAUDE,
  "cohere chat": [cohereStop, cohereCount, cohereLast],
  "ai21labs completions": [noStreamWord],
  "mosaicml chat": [llamaRoles],
  "huggingface-text-generation-inference completions": [oneOnly("the Text Generation Inference", "provider.")],
  "mlflow-model-serving chat": [oneMessage],
  "bedrock anthropic completions": CLAUDE,
  "bedrock amazon completions": [titanOne],
  "togetherai completions": [needsMaxTokens],
};

const RULED = new Set(Object.keys(RULES).map((own) => own.split(" ", 1)[0]));
const NONE: readonly Rule[] = [];

/** The rules of an adapter, in its own order. */
export function rulesOf(provider: string, model: string, op: Operation): readonly Rule[] {
  if (!RULED.has(provider)) return NONE;
  const maker = model.slice(0, model.indexOf("."));
  return RULES[`${provider} ${maker} ${op}`] ?? RULES[`${provider} ${op}`] ?? NONE;
}
