import type { Json } from "../../core/json.ts";
import type { Issue } from "./issue.ts";

type Loc = readonly (string | number)[];

/**
 * Reads a value as pydantic does in its lax mode: the value, perhaps converted, or `undefined` after adding to `issues`.
 * @see https://docs.pydantic.dev/latest/concepts/conversion_table/
 */
export type Check = (value: Json, loc: Loc, issues: Issue[]) => Json | undefined;

/** A branch of a union, with the name that its errors carry. */
export type Branch = readonly [name: string, check: Check];

interface Bounds {
  readonly ge?: number;
  readonly le?: number;
}

const issue = (issues: Issue[], type: string, loc: Loc, msg: string, input: Json): undefined => {
  issues.push({ type, loc, msg, input });
  return undefined;
};

export const stringOf: Check = (value, loc, issues) =>
  typeof value === "string" ? value : issue(issues, "string_type", loc, "Input should be a valid string", value);

const TRUE = new Set(["1", "true", "t", "yes", "y", "on"]);
const FALSE = new Set(["0", "false", "f", "no", "n", "off"]);

export const boolOf: Check = (value, loc, issues) => {
  if (typeof value === "boolean") return value;
  const word = typeof value === "number" || typeof value === "string" ? String(value).toLowerCase() : undefined;
  if (word === undefined) return issue(issues, "bool_type", loc, "Input should be a valid boolean", value);
  if (TRUE.has(word)) return true;
  if (FALSE.has(word)) return false;
  return issue(issues, "bool_parsing", loc, "Input should be a valid boolean, unable to interpret input", value);
};

export function floatOf(bounds: Bounds): Check {
  return (value, loc, issues) => {
    const number = numberOf(value);
    if (number === undefined) return issue(issues, "float_type", loc, "Input should be a valid number", value);
    if (Number.isNaN(number)) {
      return issue(
        issues,
        "float_parsing",
        loc,
        `Input should be a valid number, unable to parse string as a number`,
        value,
      );
    }
    return within(number, bounds, value, loc, issues);
  };
}

export function intOf(bounds: Bounds): Check {
  return (value, loc, issues) => {
    const number = numberOf(value);
    if (number === undefined) return issue(issues, "int_type", loc, "Input should be a valid integer", value);
    if (typeof value === "string" && !Number.isInteger(number)) {
      const msg = "Input should be a valid integer, unable to parse string as an integer";
      return issue(issues, "int_parsing", loc, msg, value);
    }
    if (!Number.isInteger(number)) {
      const msg = "Input should be a valid integer, got a number with a fractional part";
      return issue(issues, "int_from_float", loc, msg, value);
    }
    return within(number, bounds, value, loc, issues);
  };
}

/** @param least 1: an empty list is refused. */
export function listOf(name: string, item: Check, least: 0 | 1): Branch {
  return [
    name,
    (value, loc, issues) => {
      if (!Array.isArray(value)) return issue(issues, "list_type", loc, "Input should be a valid list", value);
      if (value.length < least) {
        issues.push({
          type: "too_short",
          loc,
          msg: "List should have at least 1 item after validation, not 0",
          input: value,
          ctx: { field_type: "List", min_length: 1, actual_length: 0 },
        });
        return undefined;
      }
      const before = issues.length;
      const items = value.map((one, at) => item(one, [...loc, at], issues));
      if (issues.length > before) return undefined;
      return items.every((one, at) => one === value[at]) ? value : (items as Json[]);
    },
  ];
}

/** The first branch that takes the value as it is; else what every branch has against it. */
export function unionOf(branches: readonly Branch[]): Check {
  return (value, loc, issues) => {
    const against: Issue[] = [];
    for (const [name, check] of branches) {
      const found: Issue[] = [];
      const read = check(value, [...loc, name], found);
      if (found.length === 0) return read;
      against.push(...found);
    }
    issues.push(...against);
    return undefined;
  };
}

/** `undefined`: nothing that a number could be read from. NaN: a string that is none. */
function numberOf(value: Json): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value !== "string") return undefined;
  return /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(value) ? Number(value) : Number.NaN;
}

function within(number: number, { ge, le }: Bounds, input: Json, loc: Loc, issues: Issue[]): number | undefined {
  if (ge !== undefined && number < ge) {
    const msg = `Input should be greater than or equal to ${ge}`;
    issues.push({ type: "greater_than_equal", loc, msg, input, ctx: { ge } });
  } else if (le !== undefined && number > le) {
    const msg = `Input should be less than or equal to ${le}`;
    issues.push({ type: "less_than_equal", loc, msg, input, ctx: { le } });
  } else return number;
  return undefined;
}
