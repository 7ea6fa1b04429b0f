import { clone, type DescField, type DescMessage, getOption, hasOption, type MessageShape } from "@bufbuild/protobuf";
import { type ReflectList, type ReflectMap, type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { secret } from "../../gen/polygate/options/v1/options_pb.js";
import { type Files, whyUnreadable } from "./files.ts";
import { memo } from "./memo.ts";
import type { Origins } from "./origins.ts";
import type { Report } from "./problems.ts";
import { isReference, meantBy } from "./secret-path.ts";

/** Environment variables; one that is not set is `undefined`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where secrets may stand. */
export interface Sources {
  readonly env: Environment;
  readonly files: Files;
  /** A relative path starts here, or else at the working directory, as MLflow's do. */
  readonly folder: string;
  /** Absolute paths of files that earlier loads read: one that is gone is missed, and its name is not taken for a secret. */
  readonly known: ReadonlySet<string>;
}

/** The process's own environment. */
export const processEnvironment: Environment = process.env;

/** Whether the field carries `(polygate.options.v1.secret)`. */
export const isSecret = memo((field: DescField): boolean => hasOption(field, secret) && getOption(field, secret));

/** A copy for logs and the admin API: every secret, at any depth, reads `***`. */
export function redact<Desc extends DescMessage>(desc: Desc, message: MessageShape<Desc>): MessageShape<Desc> {
  const copy = clone(desc, message);
  for (const slot of secretsOf(reflect(desc, copy))) slot.set("***");
  return copy;
}

/**
 * Puts the secrets themselves in the place of their references, at any depth: `$NAME` is an environment variable, a path
 * the content of its file without the final newline, and anything else the secret itself, with a warning; `meantBy` tells
 * the two apart. A problem names the variable or the file, never a value. A file is read through `sources.files`, so that
 * it is watched, and one that is missing too. Secrets of the admin API's routes are literal.
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
    const found = at.stored === undefined ? await find(slot.text, sources) : literal(slot.text);
    if ("problem" in found) report.problem(at, path + slot.step, found.problem);
    else slot.set(found.value);
    if ("inline" in found) report.warn(at, path + slot.step, INLINE);
  }
}

const INLINE =
  "taken as the secret itself, for no file has this name; better is $NAME for an environment variable, or a file's path";

const UNSURE =
  "no file has this name; correct the path, or put the secret into an environment variable ($NAME) or a file if this is it";

// No header can carry it: MLflow keeps it, and then every call fails.
const FINAL_NEWLINE = /\r?\n$/;

const FOR_FILES = "references are for config files; send the secret itself";

/** What a secret of the admin API means, whoever asks: nothing of this machine is looked at. */
function literal(text: string): Found {
  return isReference(text) ? { problem: FOR_FILES } : { value: text };
}

type Found = { readonly value: string; readonly inline?: true } | { readonly problem: string };

async function find(text: string, { env, files, folder, known }: Sources): Promise<Found> {
  if (text.startsWith("$")) return fromEnvironment(text.slice(1), env);
  const meant = meantBy(text, folder, known);
  if (meant.kind === "text") return { value: text, inline: true };
  const { kind, path } = meant;
  const content = await files.read(path);
  if (typeof content === "string")
    return { problem: kind === "unsure" ? UNSURE : `the file ${path}: ${whyUnreadable(content)}` };
  const value = content
    .toString("utf8")
    .replace(/^\uFEFF/, "")
    .replace(FINAL_NEWLINE, "");
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
    if (!leadsToSecret(field) || !holder.isSet(field)) continue;
    const value: unknown = holder.get(field);
    if (field.message) for (const inner of messagesIn(field, value)) yield* secretsOf(inner);
    else yield* slotsOf(holder, field, value);
  }
}

const leadsToSecret = memo((field: DescField): boolean => (field.message ? hasSecret(field.message) : isSecret(field)));

function hasSecret(desc: DescMessage, seen = new Set<DescMessage>()): boolean {
  if (seen.has(desc)) return false;
  seen.add(desc);
  return desc.fields.some((field) => (field.message ? hasSecret(field.message, seen) : isSecret(field)));
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
