import type { MessageInitShape } from "@bufbuild/protobuf";
import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import { ChangeKind, type ChangeSchema } from "../../gen/polygate/admin/v1/revision_admin_pb.js";
import { keyPath } from "../config/problems.ts";
import { canonicalJson } from "../core/chain.ts";
import { isObject, type Json, type JsonObject } from "../core/json.ts";
import type { RouteChange } from "../core/ledger.ts";
import { type DocParts, maskDoc, openDoc } from "./docs.ts";

/** A route before and after, both open; absent where there is none. */
export interface OpenChange {
  readonly name: string;
  readonly before?: JsonObject | undefined;
  readonly after?: JsonObject | undefined;
}

/** A change of the ledger with its secrets open. */
export function openChange({ seals }: DocParts, { name, before, after }: RouteChange): OpenChange {
  return { name, before: before && openDoc(seals, before), after: after && openDoc(seals, after) };
}

/** Whether nothing is different. */
export function isSame({ before, after }: OpenChange): boolean {
  if (!before || !after) return before === after;
  return canonicalJson(before) === canonicalJson(after);
}

/** What became of a route, field by field, secrets masked. Secrets that differ are told, also if their masks were the same. */
export async function changeOf(parts: DocParts, change: OpenChange): Promise<MessageInitShape<typeof ChangeSchema>> {
  const { name, before, after } = change;
  const [old, now] = [leaves(before), leaves(after)];
  const [oldShown, nowShown] = [before && (await maskDoc(parts, before)), after && (await maskDoc(parts, after))].map(
    leaves,
  );
  const paths = [...new Set([...old.keys(), ...now.keys()])].filter(
    (path) => canonicalJson(old.get(path) ?? GONE) !== canonicalJson(now.get(path) ?? GONE),
  );
  const shown = (values: ReadonlyMap<string, Json>, path: string) =>
    values.has(path) ? fromJson(ValueSchema, values.get(path) as JsonValue) : undefined;
  const fields = paths.map((path) => {
    const [was, is] = [shown(oldShown!, path), shown(nowShown!, path)];
    return { path, ...(was && { before: was }), ...(is && { after: is }) };
  });
  return { route: name, kind: kindOf(change), fields };
}

/** No value of a doc is an object with this member. */
const GONE: JsonObject = { "": null };

function kindOf({ before, after }: OpenChange): ChangeKind {
  if (!before) return ChangeKind.CREATED;
  return after ? ChangeKind.UPDATED : ChangeKind.DELETED;
}

/** The values of a doc that hold no others, by their paths, such as `targets[1].model.name`. */
export function leaves(doc: JsonObject | undefined): ReadonlyMap<string, Json> {
  const found = new Map<string, Json>();
  const walk = (value: Json, path: string): void => {
    const inner = Array.isArray(value)
      ? value.map((item, index): [string, Json] => [`${path}[${index}]`, item])
      : isObject(value)
        ? Object.entries(value).map(([key, item]): [string, Json] => [keyPath(path, key), item ?? null])
        : [];
    if (inner.length === 0) found.set(path, value);
    for (const [at, item] of inner) walk(item, at);
  };
  if (doc) for (const [key, value] of Object.entries(doc)) walk(value ?? null, keyPath("", key));
  return found;
}
