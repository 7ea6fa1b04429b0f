import { statSync } from "node:fs";
import { resolve } from "node:path";
import { clone, type DescField, type DescMessage, getOption, hasOption, type MessageShape } from "@bufbuild/protobuf";
import { type ReflectList, type ReflectMap, type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { secret } from "../../gen/polygate/options/v1/options_pb.js";
import { type Files, whyUnreadable } from "./files.ts";
import type { Origins } from "./origins.ts";
import type { Report } from "./problems.ts";

/** Environment variables; one that is not set is `undefined`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where secrets may stand. */
export interface Sources {
  readonly env: Environment;
  readonly files: Files;
  /** A relative path starts here, or else at the working directory, as MLflow's do. */
  readonly folder: string;
}

/** The process's own environment. */
export const processEnvironment: Environment = process.env;

/** Whether the field carries `(polygate.options.v1.secret)`. */
export function isSecret(field: DescField): boolean {
  return hasOption(field, secret) && getOption(field, secret);
}

/** A copy for logs and the admin API: every secret, at any depth, reads `***`. */
export function redact<Desc extends DescMessage>(desc: Desc, message: MessageShape<Desc>): MessageShape<Desc> {
  const copy = clone(desc, message);
  for (const slot of secretsOf(reflect(desc, copy))) slot.set("***");
  return copy;
}

/**
 * Puts the secrets themselves in the place of their references, at any depth: `$NAME` is an environment variable, a path
 * of an existing file its content without the final newline, and anything else the secret itself, with a warning. A
 * problem names the variable or the file, never a value. A file is read through `sources.files`, so that it is watched.
 */
export async function resolveSecrets<Desc extends DescMessage>(
  desc: Desc,
  message: MessageShape<Desc>,
  origins: Origins,
  sources: Sources,
  report: Report,
): Promise<void> {
  for (const slot of secretsOf(reflect(desc, message))) {
    if (slot.text === "") continue;
    const { at, path } = origins.spot(slot.holder.message, slot.field.name);
    const found = await find(slot.text, sources);
    if ("problem" in found) report.problem(at, path + slot.step, found.problem);
    else slot.set(found.value);
    if ("inline" in found) report.warn(at, path + slot.step, INLINE);
  }
}

const INLINE =
  "taken as the secret itself, for no file has this name; better is $NAME for an environment variable, or a file's path";

// No header can carry it: MLflow keeps it, and then every call fails.
const FINAL_NEWLINE = /\r?\n$/;

type Found = { readonly value: string; readonly inline?: true } | { readonly problem: string };

async function find(text: string, { env, files, folder }: Sources): Promise<Found> {
  if (text.startsWith("$")) return fromEnvironment(text.slice(1), env);
  const path = pathOf(text, folder);
  if (path === undefined) return { value: text, inline: true };
  const content = await files.read(path);
  if (typeof content === "string") return { problem: `the file ${path}: ${whyUnreadable(content)}` };
  const value = content
    .toString("utf8")
    .replace(/^\uFEFF/, "")
    .replace(/\r?\n$/, "");
  return value === "" ? { problem: `the file ${path} is empty; write the secret into it` } : { value };
}

function fromEnvironment(name: string, env: Environment): Found {
  const braced = /^\{(\w+)\}$/.exec(name)?.[1];
  if (braced !== undefined) return { problem: `braces are not understood; write $${braced}` };
  // What follows may be a secret that happens to start with $, so it is not repeated.
  if (!/^[A-Za-z_]\w*$/.test(name))
    return { problem: "what follows $ is no variable's name; a secret that starts with $ goes into a file" };
  const value = Object.hasOwn(env, name) ? env[name]?.replace(FINAL_NEWLINE, "") : undefined;
  return value
    ? { value }
    : { problem: `the environment variable ${name} is ${value === "" ? "empty" : "not set"}; set it` };
}

/** The file that the text names, if it names one. */
function pathOf(text: string, folder: string): string | undefined {
  // No system has longer paths, and a longer text is a key: MLflow died of looking one up.
  if (text.length > 4096 || /[\0\n]/.test(text)) return undefined;
  const candidates = [resolve(folder, text), resolve(text)];
  const existing = candidates.find((path) => kindOf(path) === "file");
  if (existing !== undefined) return existing;
  // A file that is missing, perhaps for a moment while it is replaced, is not the key. Some keys start with a slash too,
  // but then there is no such folder.
  const [, root] = /^(\.{1,2}|\/[^/]+)\/./.exec(text) ?? [];
  const meant =
    root !== undefined && kindOf(resolve(folder, root)) === "folder" && kindOf(candidates[0]!) === undefined;
  return meant ? candidates[0] : undefined;
}

function kindOf(path: string): "file" | "folder" | undefined {
  try {
    const stat = statSync(path);
    return stat.isFile() ? "file" : stat.isDirectory() ? "folder" : undefined;
  } catch {
    return undefined;
  }
}

/** Every secret in a message whose secrets are resolved, at any depth: what a log must mask. */
export function secretValues<Desc extends DescMessage>(desc: Desc, message: MessageShape<Desc>): string[] {
  return [...secretsOf(reflect(desc, message))].map(({ text }) => text).filter((text) => text !== "");
}

/** A place that holds one secret. */
interface Slot {
  readonly holder: ReflectMessage;
  readonly field: DescField;
  /** From the field to the value, such as `[2]`; empty for a field that is not repeated. */
  readonly step: string;
  readonly text: string;
  set(text: string): void;
}

function* secretsOf(holder: ReflectMessage): Generator<Slot> {
  for (const field of holder.fields) {
    if (!holder.isSet(field)) continue;
    const value: unknown = holder.get(field);
    if (field.message) for (const inner of messagesIn(field, value)) yield* secretsOf(inner);
    else if (isSecret(field)) yield* slotsOf(holder, field, value);
  }
}

function messagesIn(field: DescField, value: unknown): Iterable<ReflectMessage> {
  if (field.fieldKind === "list") return value as ReflectList<ReflectMessage>;
  if (field.fieldKind === "map") return (value as ReflectMap<unknown, ReflectMessage>).values();
  return [value as ReflectMessage];
}

function* slotsOf(holder: ReflectMessage, field: DescField, value: unknown): Generator<Slot> {
  if (field.fieldKind === "list") {
    const list = value as ReflectList<string>;
    for (const [index, text] of list.entries()) {
      yield { holder, field, step: `[${index}]`, text, set: (to) => list.set(index, to) };
    }
  } else if (field.fieldKind === "map") {
    const map = value as ReflectMap<string, string>;
    for (const [key, text] of map) yield { holder, field, step: `.${key}`, text, set: (to) => map.set(key, to) };
  } else yield { holder, field, step: "", text: value as string, set: (to) => holder.set(field, to) };
}
