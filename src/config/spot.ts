import { isReflectMessage, type ReflectMessage } from "@bufbuild/protobuf/reflect";
import type { Origin, Origins } from "./origins.ts";
import { keyPath } from "./problems.ts";

/**
 * Follows a path such as `faults[0].status`, `labels.b` or `labels["b"]` from a message that `decode` made, as far as the file goes: what is not there is
 * told at the table where it would stand. "" is the message as a whole.
 */
export function spotOf(origins: Origins, holder: ReflectMessage, path: string): Pick<Origin, "at" | "path"> {
  if (path === "") return origins.of(holder.message);
  const [, name, index, rest] = /^(\w+)(?:\[(\d+|"(?:[^"\\]|\\.)*")\])?(?:\.(.+))?$/.exec(path) ?? [];
  const field = holder.fields.find((each) => each.name === name);
  const own = field && origins.field(holder.message, field.name);
  if (!field || !own) return origins.spot(holder.message, path);
  if (field.fieldKind === "list" && index !== undefined) {
    const item = holder.get(field).get(Number(index));
    if (isReflectMessage(item)) return spotOf(origins, item, rest ?? "");
    const node = own.node.kind === "list" ? own.node.items[Number(index)] : undefined;
    return { at: node?.at ?? own.at, path: `${own.path}[${index}]` };
  }
  const key = index?.startsWith('"') ? (JSON.parse(index) as string) : rest;
  if (field.fieldKind === "map" && key !== undefined) {
    const value = holder.get(field).get(key);
    if (isReflectMessage(value)) return spotOf(origins, value, index === undefined ? "" : (rest ?? ""));
    const entry = own.node.kind === "table" ? own.node.entries.get(key) : undefined;
    return { at: entry?.value.at ?? own.at, path: keyPath(own.path, key) };
  }
  const value: unknown = field.fieldKind === "message" ? holder.get(field) : undefined;
  return rest !== undefined && isReflectMessage(value) ? spotOf(origins, value, rest) : own;
}
