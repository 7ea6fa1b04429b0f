import { fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { type Route, RouteSchema } from "../../gen/polygate/config/v1/config_pb.js";
import type { Violation } from "../core/errors.ts";
import { errors } from "../core/errors.ts";
import { isObject, type Json, type JsonObject } from "../core/json.ts";
import type { RouteRecord } from "../core/ledger.ts";
import { SEALED } from "../core/sealed.ts";
import type { StoredRoute } from "../core/stored.ts";
import { mapSecrets } from "./doc-secrets.ts";
import type { AdminParts } from "./parts.ts";
import { isSealed, type Seals } from "./seals.ts";

/** What docs are sealed, opened and masked with. */
export type DocParts = Pick<AdminParts, "kinds" | "seals">;

const MASK = /^\*{3}([0-9a-f]{8})?$/;

/** Whether a text stands for a secret, as people are shown it. */
export const isMask = (text: string): boolean => MASK.test(text);

/**
 * A route's message as a doc. Throws FIELD_INVALID when something in it has no JSON, such as a number that is none, and for the
 * one key that is no plain member of an object.
 */
export function docOf(route: Route): JsonObject {
  try {
    const doc = toJson(RouteSchema, route, { useProtoFieldName: true }) as JsonObject;
    assertPlain(doc);
    return doc;
  } catch (cause) {
    const description = cause instanceof Error ? cause.message : "cannot be written as JSON";
    throw errors.fieldInvalid([{ field: "route", description }]);
  }
}

function assertPlain(value: Json | undefined): void {
  if (typeof value !== "object" || value === null) return;
  if (Object.hasOwn(value, "__proto__")) throw new Error("__proto__ is not allowed as a key; remove it");
  for (const inner of Object.values(value)) assertPlain(inner);
}

/** A doc as the route's message. Members that this version does not know are left out. */
export function messageOf(doc: JsonObject): Route {
  return fromJson(RouteSchema, doc as JsonValue, { ignoreUnknownFields: true });
}

/** The doc with its secrets sealed. */
export function sealDoc({ kinds, seals }: DocParts, doc: JsonObject): Promise<JsonObject> {
  return mapSecrets(kinds, doc, (text) => seals.seal(text));
}

/**
 * The doc with its secrets themselves. Whatever is sealed is opened, wherever it stands: a later version may think otherwise of
 * what is a secret. Throws STORE_UNAVAILABLE.
 */
export function openDoc(seals: Pick<Seals, "open">, doc: JsonObject): JsonObject {
  return mapTexts(doc, (text) => (isSealed(text) ? seals.open(text) : text)) as JsonObject;
}

/** An open doc for people: each secret reads as its mask. */
export function maskDoc({ kinds, seals }: DocParts, doc: JsonObject): Promise<JsonObject> {
  return mapSecrets(kinds, doc, (text) => seals.mask(text));
}

/** The store's routes, ready to be compiled. */
export function openRoutes(seals: Pick<Seals, "open">, records: readonly RouteRecord[]): StoredRoute[] {
  return records.map(({ name, doc, revision }) => ({ name, doc: openDoc(seals, doc), revision }));
}

/**
 * Puts the secrets back where their masks stand. A mask stands for the secret of the current route that reads so, wherever that
 * stands: lists may be put in another order.
 *
 * @param doc As it was sent.
 * @param current Open; absent: there is no route yet, and every mask is a violation.
 */
export async function unmaskDoc(
  parts: DocParts,
  doc: JsonObject,
  current: JsonObject | undefined,
): Promise<{ readonly doc: JsonObject; readonly violations: readonly Violation[] }> {
  const known = new Map<string, string>();
  const at = new Map<string, string>();
  if (current)
    await mapSecrets(parts.kinds, current, (text, path) => {
      known.set(parts.seals.mask(text), text);
      at.set(path, text);
      return text;
    });
  const violations: Violation[] = [];
  const open = await mapSecrets(parts.kinds, doc, (text, field) => {
    if (!isMask(text)) return text;
    const same = at.get(field);
    // Of two secrets that share a mask, the one that stands there.
    const secret = same !== undefined && parts.seals.mask(same) === text ? same : known.get(text);
    if (secret === undefined)
      violations.push({ field, description: "is the mask of no secret of this route; send the secret itself" });
    return secret ?? text;
  });
  return { doc: open, violations };
}

/** Texts that look sealed: whoever sent one would get it opened. */
export function sealedTexts(doc: JsonObject): Violation[] {
  const found: Violation[] = [];
  mapTexts(doc, (text, field) => {
    if (text.startsWith(SEALED)) found.push({ field, description: `cannot start with ${SEALED}` });
    return text;
  });
  return found;
}

function mapTexts(value: Json, each: (text: string, path: string) => string, path = ""): Json {
  if (typeof value === "string") return each(value, path);
  if (Array.isArray(value)) return value.map((item, index) => mapTexts(item, each, `${path}[${index}]`));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([key, item]) => {
    return [key, mapTexts(item ?? null, each, path === "" ? key : `${path}.${key}`)];
  });
  return Object.fromEntries(entries) as JsonObject;
}
