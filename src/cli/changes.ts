import { toJson } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import { type Change, ChangeKind } from "../../gen/polygate/admin/v1/revision_admin_pb.js";
import { printable } from "./output.ts";

const SIGNS: Readonly<Record<ChangeKind, string>> = {
  [ChangeKind.UNSPECIFIED]: "?",
  [ChangeKind.CREATED]: "+",
  [ChangeKind.UPDATED]: "~",
  [ChangeKind.DELETED]: "-",
};

/** Changes as lines: `~ chat`, and below it `    model.name: "a" -> "b"` for each field of a route that was changed. */
export function changeLines(changes: readonly Change[]): readonly string[] {
  const lines = changes.flatMap(({ route, kind, fields }) => [
    `${SIGNS[kind]} ${route}`,
    ...fields.map(({ path, before, after }) => {
      const text = (value: typeof before) =>
        value === undefined ? "(not set)" : JSON.stringify(toJson(ValueSchema, value));
      if (kind === ChangeKind.CREATED) return `    ${path}: ${text(after)}`;
      if (kind === ChangeKind.DELETED) return `    ${path}: ${text(before)}`;
      return `    ${path}: ${text(before)} -> ${text(after)}`;
    }),
  ]);
  return lines.map(printable);
}

/** The same as one text, each line with its end. */
export function changesText(changes: readonly Change[]): string {
  return changeLines(changes)
    .map((line) => `${line}\n`)
    .join("");
}
