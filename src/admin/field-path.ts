import type { DescMessage } from "@bufbuild/protobuf";
import { ModelSchema, RouteSchema } from "../../gen/polygate/config/v1/config_pb.js";
import type { Kinds } from "../config/load.ts";
import { didYouMean } from "../config/nearest.ts";
import { isObject, type JsonObject, objectIn } from "../core/json.ts";
import { fieldOf, membersOf, providerOf } from "./doc-secrets.ts";

/** Keys from a route's doc inwards. */
export type DocPath = readonly string[];

/** Why a path of a field mask names nothing. */
export interface PathProblem {
  readonly problem: string;
}

/**
 * The keys of a path of a field mask: proto names, keys of maps, and keys of settings; a key that has dots in it stands in
 * backticks, or last. https://google.aip.dev/161
 *
 * @param docs What may say which provider's settings are meant: the first that has a provider does.
 */
export async function readPath(
  text: string,
  kinds: Kinds,
  docs: readonly JsonObject[],
): Promise<DocPath | PathProblem> {
  const steps = stepsOf(text);
  if (!steps) return { problem: "want names with dots between them, such as `limits.total_timeout`" };
  const path: string[] = [];
  let desc: DescMessage | undefined = RouteSchema;
  while (path.length < steps.length) {
    const step: string = steps[path.length]!;
    const field: ReturnType<typeof fieldOf> = desc && fieldOf(desc, step);
    if (desc && !field)
      return {
        problem: `there is no field ${step}${didYouMean(
          step,
          desc.fields.map(({ name }) => name),
        )}`,
      };
    if (!field) {
      path.push(step);
      continue;
    }
    const holder: JsonObject = holderOf(path, docs, desc === ModelSchema ? "provider" : undefined);
    path.push(field.name);
    const rest = steps.slice(path.length);
    if (rest.length === 0) break;
    if (field.fieldKind === "list") return { problem: `${field.name} is a list, which is changed whole` };
    const members: DescMessage | "unknown" | undefined = await membersOf(field, holder, kinds);
    if (field.fieldKind === "map" && !members) return [...path, keyMeant(rest.join("."), path, docs)];
    if (!field.message || (!members && field.message.typeName !== STRUCT))
      return { problem: `${field.name} has no fields of its own` };
    if (field.fieldKind === "map") path.push(rest[0]!);
    desc = members === "unknown" ? undefined : members;
  }
  return path;
}

/** A mask in JSON has `labels.Team` as `labels._team`: the key that is there and would be written so, when no other is. */
function keyMeant(key: string, path: DocPath, docs: readonly JsonObject[]): string {
  const keys = docs.flatMap((doc) => Object.keys(path.reduce((at, step) => objectIn(at[step]), doc)));
  if (keys.includes(key)) return key;
  return keys.find((one) => one.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) === key) ?? key;
}

const STRUCT = "google.protobuf.Struct";

/** The message at a path, in the first of the docs in which it has the key. */
function holderOf(path: DocPath, docs: readonly JsonObject[], key: string | undefined): JsonObject {
  const found = docs.map((doc) => path.reduce((at, step) => objectIn(at[step]), doc));
  return (key === undefined ? undefined : found.find((one) => one[key] !== undefined)) ?? found[0] ?? {};
}

function stepsOf(text: string): string[] | undefined {
  const steps = text.match(/`[^`]+`|[^.`]+/g) ?? [];
  if (steps.length === 0 || steps.join(".") !== text) return undefined;
  const names = steps.map((step) => step.replaceAll("`", ""));
  return names.includes("__proto__") ? undefined : names;
}

/**
 * Every path that a doc sets: each value that is no message, entries of maps and settings one by one, lists whole. A model of
 * another provider is one value: settings of the one mean nothing to the other. An empty message sets nothing that is there.
 */
export function setPaths(given: JsonObject, current: JsonObject): DocPath[] {
  const found: DocPath[] = [];
  const walk = (value: JsonObject, now: JsonObject[string], path: DocPath): void => {
    const entries = Object.entries(value);
    const moved = path.at(-1) === "model" && isObject(now) && isOther(value, now);
    if (moved || (entries.length === 0 && now === undefined)) {
      found.push(path);
      return;
    }
    for (const [key, inner] of entries) {
      const at = [...path, key];
      if (isObject(inner)) walk(inner, objectIn(now)[key], at);
      else found.push(at);
    }
  };
  walk(given, current, []);
  return found;
}

/** Whether a model says another provider than the one that is there. */
function isOther(model: JsonObject, now: JsonObject): boolean {
  return model["provider"] !== undefined && providerOf(model) !== providerOf(now);
}

/** A copy of `current` with what stands at the paths as it stands in `given`; where that has nothing, it is cleared. */
export function withPaths(current: JsonObject, given: JsonObject, paths: readonly DocPath[]): JsonObject {
  const result = structuredClone(current);
  for (const path of paths) {
    const value = path.reduce<JsonObject[string]>((at, step) => (isObject(at) ? at[step] : undefined), given);
    put(result, path, structuredClone(value));
  }
  return result;
}

function put(into: JsonObject, path: DocPath, value: JsonObject[string]): void {
  const [step, ...rest] = path as [string, ...string[]];
  if (rest.length === 0) {
    if (value === undefined) delete into[step];
    else into[step] = value;
    return;
  }
  if (!isObject(into[step])) {
    if (value === undefined) return;
    into[step] = {};
  }
  put(into[step] as JsonObject, rest, value);
}
