import { type DescMessage, type MessageShape, type Registry, toJson } from "@bufbuild/protobuf";
import { stringify } from "yaml";
import type { Io } from "./io.ts";

/** How results are written. */
export const FORMATS = ["table", "json", "yaml"] as const;
/** One of them. */
export type Format = (typeof FORMATS)[number];

/** One column of a table. */
export interface Column<Row> {
  readonly title: string;
  cell(row: Row): string;
}

/** Columns of equal width, two spaces apart, titles in capitals. Control characters are shown as `?`: what a server says cannot steer a terminal. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = [
    columns.map(({ title }) => title.toUpperCase()),
    ...rows.map((row) => columns.map((one) => plain(one.cell(row)))),
  ];
  const widths = columns.map((_, at) => Math.max(...cells.map((line) => widthOf(line[at]!))));
  const line = (texts: readonly string[]) =>
    texts
      .map((text, at) => text + " ".repeat(widths[at]! - widthOf(text)))
      .join("  ")
      .trimEnd();
  return `${cells.map(line).join("\n")}\n`;
}

function plain(text: string): string {
  return text === "" ? "-" : printable(text);
}

/** A line with `?` for every control character, and for those that turn the direction of writing: others wrote some of it. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "?");
}

/** Columns that a text takes, near enough. */
function widthOf(text: string): number {
  return Array.from(text).length;
}

/** A message as JSON with the protos' own names. */
export function jsonOf<Desc extends DescMessage>(
  desc: Desc,
  message: MessageShape<Desc>,
  registry?: Registry,
): unknown {
  return toJson(desc, message, { useProtoFieldName: true, ...(registry && { registry }) });
}

/** Writes a value for scripts; false: a table is wanted. */
export function written(io: Io, format: Format, value: () => unknown): boolean {
  if (format === "json") io.out(`${JSON.stringify(value(), undefined, 2)}\n`);
  else if (format === "yaml") io.out(stringify(value(), { lineWidth: 0 }));
  else return false;
  return true;
}

/** Writes the rows of a list: a table for people, or all of each for scripts. */
export function listed<Desc extends DescMessage>(
  io: Io,
  format: Format,
  desc: Desc,
  rows: readonly MessageShape<Desc>[],
  columns: readonly Column<MessageShape<Desc>>[],
): void {
  if (!written(io, format, () => rows.map((row) => jsonOf(desc, row)))) io.out(table(rows, columns));
}

/** A time as people read it, in UTC and to the second; empty: there is none. */
export function timeText(time: { readonly seconds: bigint } | undefined): string {
  return time === undefined ? "" : new Date(Number(time.seconds) * 1000).toISOString().replace("T", " ").slice(0, 19);
}
