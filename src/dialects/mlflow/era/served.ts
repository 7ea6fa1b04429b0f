import type { MlflowEra } from "../../../core/call.ts";
import { isObject, type Json, type JsonObject } from "../../../core/json.ts";

/** Pydantic's pages of the time. */
const PAGES: Readonly<Record<MlflowEra, string>> = { "2.8": "2.5", "2.22": "2.14" };

/**
 * What MLflow said of a served model's answer that it could not read: pydantic's own words.
 *
 * @param json What the model answered.
 * @returns `undefined`: of this it would have said something else.
 */
export function unreadableServed(era: MlflowEra, embeds: boolean, json: Readonly<JsonObject>): string | undefined {
  const line = (loc: string, words: string, type: string, input: Json) =>
    `${loc}\n  ${words} [type=${type}, input_value=${clipped(repr(input))}, input_type=${typeOf(input)}]\n` +
    `    For further information visit https://errors.pydantic.dev/${PAGES[era]}/v/${type}`;
  const { predictions } = json;
  const lines =
    predictions === undefined
      ? [line("predictions", "Field required", "missing", { ...json })]
      : Array.isArray(predictions) && predictions.length === 0
        ? [line("predictions", "Value error, The input list is empty", "value_error", predictions)]
        : Array.isArray(predictions) && !embeds
          ? predictions.flatMap((one, at) =>
              typeof one === "string"
                ? []
                : [line(`predictions.${at}`, "Input should be a valid string", "string_type", one)],
            )
          : [];
  if (lines.length === 0) return undefined;
  const errors = `${lines.length} validation error${lines.length > 1 ? "s" : ""}`;
  return `${errors} for ${embeds ? "EmbeddingsResponse" : "ServingTextResponse"}\n${lines.join("\n")}`;
}

/** A value as Python writes it. */
function repr(value: Json | undefined): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return value.includes("'") && !value.includes('"') ? `"${value}"` : `'${value}'`;
  if (Array.isArray(value)) return `[${value.map(repr).join(", ")}]`;
  return `{${Object.entries(value)
    .map(([key, one]) => `${repr(key)}: ${repr(one)}`)
    .join(", ")}}`;
}

/** Pydantic shows 50 characters, from both ends. */
function clipped(text: string): string {
  return text.length <= 50 ? text : `${text.slice(0, 25)}...${text.slice(-24)}`;
}

function typeOf(value: Json): string {
  if (Array.isArray(value)) return "list";
  if (isObject(value)) return "dict";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float";
  return { string: "str", boolean: "bool" }[typeof value as string] ?? "NoneType";
}
