import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { Refusal } from "./request.ts";
import { sample } from "./schema.ts";
import { type Dice, dice } from "./seed.ts";

/** A tool that the request offers. */
interface Tool {
  readonly name: string;
  /** False: a custom tool, which takes free text. */
  readonly isFunction: boolean;
  readonly parameters: Json;
}

/** A call of a tool, as far as it does not depend on how it is sent. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly isFunction: boolean;
  /** JSON text for a function, free text for a custom tool. */
  readonly input: string;
}

/** Most calls that one message can ask for by name. */
const MAX_CALLS = 16;

/**
 * The tools that the answer calls, none as a rule. With `tool_choice` `auto`, those whose name the caller's last message
 * gives after the word "call" ("call get_weather and call get_time"); with `required` the same, or else the first tool; with
 * a named tool that one. `parallel_tool_calls: false` leaves the first.
 *
 * @param said What the caller said last; empty when it was not the user who spoke.
 */
export function calledTools(request: JsonObject, said: string): readonly Tool[] {
  const tools = toolsOf(request);
  const { tool_choice: choice } = request;
  if (tools.length === 0) {
    if (choice !== undefined && choice !== null && choice !== "none" && choice !== "auto") {
      throw new Refusal("tool_choice is only allowed when tools are given.", "tool_choice");
    }
    return [];
  }
  const one = request["parallel_tool_calls"] === false;
  const byName = (from: readonly Tool[]) => named(from, said).slice(0, one ? 1 : MAX_CALLS);
  const required = (from: readonly Tool[]) => (byName(from).length > 0 ? byName(from) : from.slice(0, 1));
  if (choice === "none") return [];
  if (choice === undefined || choice === null || choice === "auto") return byName(tools);
  if (choice === "required") return required(tools);
  if (isObject(choice)) {
    const { allowed_tools: allowed } = choice;
    if (isObject(allowed) && Array.isArray(allowed["tools"])) {
      const some = allowed["tools"].map((entry) => find(tools, entry));
      return allowed["mode"] === "required" ? required(some) : byName(some);
    }
    return [find(tools, choice)];
  }
  throw new Refusal("tool_choice must be none, auto, required, or name a tool.", "tool_choice");
}

/**
 * The calls themselves, with arguments that fit the tools' schemas. Throws `Refusal` for a schema that cannot be met.
 *
 * @param seed Decides ids and arguments; another one for each choice.
 */
export function makeCalls(tools: readonly Tool[], seed: string): readonly ToolCall[] {
  const roll: Dice = dice(`${seed}:calls`);
  return tools.map(({ name, isFunction, parameters }, index) => ({
    id: `call_sim_${seed.slice(0, 16)}_${index}`,
    name,
    isFunction,
    input: isFunction ? JSON.stringify(sample(parameters, roll)) : "simulated",
  }));
}

function toolsOf({ tools }: JsonObject): readonly Tool[] {
  if (tools === undefined || tools === null) return [];
  if (!Array.isArray(tools)) throw new Refusal("tools must be a list.", "tools");
  return tools.map((tool, index) => {
    const entry = isObject(tool) ? tool : {};
    const isFunction = entry["type"] === "function";
    const about = entry[isFunction ? "function" : "custom"];
    if (!isObject(about) || typeof about["name"] !== "string") {
      throw new Refusal(`tools[${index}] must be a function or a custom tool with a name.`, "tools");
    }
    // Without parameters a function takes none.
    const parameters = about["parameters"] ?? { type: "object", properties: {} };
    return { name: about["name"], isFunction, parameters };
  });
}

function find(tools: readonly Tool[], entry: Json): Tool {
  const about = isObject(entry) ? (entry["function"] ?? entry["custom"]) : undefined;
  const name = isObject(about) ? about["name"] : undefined;
  const found = tools.find((tool) => tool.name === name);
  if (found === undefined) throw new Refusal("tool_choice names a tool that is not among tools.", "tool_choice");
  return found;
}

function named(tools: readonly Tool[], said: string): readonly Tool[] {
  const found: Tool[] = [];
  for (const [, name] of said.matchAll(/\bcall +([A-Za-z0-9_-]+)/gi)) {
    const tool = tools.find((one) => one.name === name);
    if (tool) found.push(tool);
    if (found.length === MAX_CALLS) break;
  }
  return found;
}
