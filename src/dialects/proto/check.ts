import type { Violation } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import type { Kind, MemberRules } from "./rules.ts";

/**
 * What an OpenAI request breaks of the rules that gRPC callers are held to, in the same words where there is a rule of
 * protovalidate for it. Members without rules are not looked at, and `null` is "absent". Under 3 us for four messages.
 *
 * @param rules Of `rulesOf`; a part of them checks a part of the members.
 * @param path Where `json` stands in the request; empty for the root.
 */
export function violationsOf(rules: readonly MemberRules[], json: JsonObject, path = ""): Violation[] {
  const found: Violation[] = [];
  checkMembers(rules, json, path, found);
  return found;
}

/** Rules by the names of their members. */
export interface NamedRules {
  readonly of: ReadonlyMap<string, MemberRules>;
  /** How many members must be there. */
  readonly required: number;
}

const byName = new WeakMap<readonly MemberRules[], NamedRules>();

/** The same rules by name, made once for each list. */
export function namedRules(rules: readonly MemberRules[]): NamedRules {
  let known = byName.get(rules);
  if (known === undefined) {
    const required = rules.filter((one) => one.required).length;
    known = { of: new Map(rules.map((one) => [one.name, one])), required };
    byName.set(rules, known);
  }
  return known;
}

/** Whether a request breaks none of the rules, which is known sooner where it has few members. */
export function isSound(rules: readonly MemberRules[], json: Readonly<JsonObject>): boolean {
  const known = namedRules(rules);
  const found: Violation[] = [];
  let required = 0;
  for (const key of Object.keys(json)) {
    const one = known.of.get(key);
    if (one === undefined) continue;
    if (one.required) required++;
    checkMember(one, json[key], key, found);
  }
  return required === known.required && found.length === 0;
}

/** Checks one value, for a caller that reads members one by one. `undefined` and `null`: the member is absent. */
export function checkMember(rules: MemberRules, json: Json | undefined, path: string, found: Violation[]): void {
  if (json === undefined || json === null) {
    if (rules.required) found.push({ field: path, description: "is required" });
  } else if (rules.kind === "union") {
    checkUnion(rules, json, path, found);
  } else if (!isKind(rules, json)) {
    found.push({ field: path, description: `must be ${WORDS[rules.kind]}` });
  } else if (typeof json === "string") {
    if (rules.kind !== "list") checkText(rules, json, path, found);
  } else if (typeof json === "number") {
    checkNumber(rules, json, path, found);
  } else if (Array.isArray(json)) {
    checkCount(rules, json.length, "item(s)", path, found);
    const items = rules.items!;
    for (let i = 0; i < json.length; i++) {
      if (json[i] === null) found.push({ field: `${path}[${i}]`, description: `must be ${WORDS[items.kind]}` });
      else checkMember(items, json[i], `${path}[${i}]`, found);
    }
  } else if (rules.kind === "map") checkMap(rules, json as JsonObject, path, found);
  else if (rules.fields) checkMembers(rules.fields, json as JsonObject, path, found);
}

function checkMembers(rules: readonly MemberRules[], json: JsonObject, path: string, found: Violation[]): void {
  const prefix = path === "" ? "" : `${path}.`;
  for (const one of rules) {
    const value = json[one.name];
    // As most are.
    if (value !== undefined || one.required) checkMember(one, value, prefix + one.name, found);
  }
}

function checkUnion(rules: MemberRules, json: Json, path: string, found: Violation[]): void {
  const cases = rules.cases!.filter((one) => isKind(one, json) && (one.kind !== "list" || Array.isArray(json)));
  const fits = cases.find((one) => !Array.isArray(json) || json.length === 0 || isKind(one.items!, json[0]!));
  if (fits) {
    checkMember(fits, json, path, found);
    return;
  }
  const words = rules.cases!.map((one) => (one.items ? `a list of ${LISTS[one.items.kind]}` : WORDS[one.kind]));
  found.push({ field: path, description: `must be ${words.join(" or ")}` });
}

function checkMap(rules: MemberRules, json: JsonObject, path: string, found: Violation[]): void {
  const keys = Object.keys(json);
  checkCount(rules, keys.length, "entries", path, found);
  for (const key of keys) {
    const at = `${path}[${JSON.stringify(key)}]`;
    checkMember(rules.keys!, key, at, found);
    checkMember(rules.items!, json[key], at, found);
  }
}

function checkText(rules: MemberRules, text: string, path: string, found: Violation[]): void {
  const add = (description: string) => found.push({ field: path, description });
  const { minLength, maxLength, pattern } = rules;
  // A code point is one or two units of a string, so most texts need not be counted.
  if (minLength !== undefined && text.length < 2 * minLength && points(text) < minLength) {
    add(`must be at least ${minLength} characters`);
  }
  if (maxLength !== undefined && text.length > maxLength && points(text) > maxLength) {
    add(`must be at most ${maxLength} characters`);
  }
  if (pattern !== undefined && !regexOf(pattern).test(text)) add(`does not match regex pattern \`${pattern}\``);
  if (rules.in && !rules.in.includes(text)) add(`must be one of ${rules.in.join(", ")}`);
}

const points = (text: string) => Array.from(text).length;

const regexes = new Map<string, RegExp>();
function regexOf(pattern: string): RegExp {
  let regex = regexes.get(pattern);
  if (!regex) {
    regex = new RegExp(pattern, "u");
    regexes.set(pattern, regex);
  }
  return regex;
}

function checkNumber({ gte, lte }: MemberRules, value: number, path: string, found: Violation[]): void {
  if ((gte === undefined || value >= gte) && (lte === undefined || value <= lte)) return;
  const bounds = [];
  if (gte !== undefined) bounds.push(`greater than or equal to ${gte}`);
  if (lte !== undefined) bounds.push(`less than or equal to ${lte}`);
  found.push({ field: path, description: `must be ${bounds.join(" and ")}` });
}

function checkCount(
  { minItems, maxItems }: MemberRules,
  have: number,
  what: string,
  path: string,
  found: Violation[],
): void {
  const add = (bound: string) => found.push({ field: path, description: `must contain ${bound} ${what}` });
  if (minItems !== undefined && have < minItems) add(`at least ${minItems}`);
  if (maxItems !== undefined && have > maxItems) add(`no more than ${maxItems}`);
}

const WORDS: Readonly<Record<Kind, string>> = {
  string: "a string",
  integer: "an integer",
  number: "a number",
  boolean: "true or false",
  list: "a list",
  map: "an object",
  object: "an object",
  union: "another type",
};

const LISTS: Readonly<Record<Kind, string>> = {
  string: "strings",
  integer: "integers",
  number: "numbers",
  boolean: "true or false",
  list: "lists",
  map: "objects",
  object: "objects",
  union: "values",
};

function isKind(rules: MemberRules, json: Json): boolean {
  switch (rules.kind) {
    case "integer":
      return Number.isInteger(json);
    case "number":
      return Number.isFinite(json);
    case "list":
      return Array.isArray(json) || (typeof json === "string" && rules.items?.kind === "string");
    case "map":
    case "object":
      return isObject(json);
    case "union":
      return true;
    default:
      return typeof json === rules.kind;
  }
}
