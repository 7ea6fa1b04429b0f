/** One line of the table: each subject's figures, round by round. */
export interface Row {
  readonly title: string;
  readonly unit: string;
  /** By subject; in every list the nth figure is of the nth round. */
  readonly figures: ReadonlyMap<string, readonly number[]>;
  /** Most times `bare`, or most of `unit` when `absolute`. */
  readonly goal: number | undefined;
  readonly absolute?: boolean;
  /** In place of figures. */
  readonly note?: string;
}

/** The table as lines of text, or of Markdown. `others`: the subjects beside `gateway` and `bare`, a column each. */
export function render(rows: readonly Row[], others: readonly string[], markdown: boolean): string {
  const head = ["path", "unit", "gateway", "min-max", "bare", "x bare", "goal", ""];
  const cells = rows.map((row) => [
    row.title,
    row.unit,
    ...(row.note === undefined ? own(row) : [row.note, "", "", "", goalOf(row), ""]),
    ...others.map((name) => other(row, name)),
  ]);
  const all = [[...head, ...others], ...cells];
  return markdown ? asMarkdown(all) : asText(all);
}

function own(row: Row): readonly string[] {
  const gateway = row.figures.get("gateway") ?? [];
  const bare = row.figures.get("bare") ?? [];
  const ratio = ratioTo(gateway, bare);
  const counted = row.absolute ? median(gateway) : ratio;
  const mark = row.goal === undefined || counted === undefined ? "" : counted <= row.goal ? "ok" : "over";
  return [
    figure(median(gateway)),
    gateway.length > 1 ? `${figure(Math.min(...gateway))}-${figure(Math.max(...gateway))}` : "",
    figure(median(bare)),
    row.absolute || ratio === undefined ? "" : ratio.toFixed(2),
    goalOf(row),
    mark,
  ];
}

function goalOf({ goal, absolute }: Row): string {
  return goal === undefined ? "" : `<= ${absolute ? goal : goal.toFixed(1)}`;
}

/** Its own figure, and how many times as much the gateway takes. */
function other(row: Row, name: string): string {
  const theirs = row.figures.get(name);
  if (theirs === undefined) return "";
  const ratio = ratioTo(row.figures.get("gateway") ?? [], theirs);
  return ratio === undefined ? figure(median(theirs)) : `${figure(median(theirs))} (x ${ratio.toFixed(2)})`;
}

/** The median of the rounds' own ratios: what disturbs a round disturbs both sides of it. */
export function ratioTo(gateway: readonly number[], base: readonly number[]): number | undefined {
  return median(gateway.slice(0, base.length).map((one, i) => one / base[i]!));
}

export function median(all: readonly number[]): number | undefined {
  if (all.length === 0) return undefined;
  const sorted = all.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function figure(value: number | undefined): string {
  return value === undefined ? "" : value < 10 ? value.toFixed(1) : value.toFixed(0);
}

function asText(all: readonly (readonly string[])[]): string {
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join("  ")
      .trimEnd();
  const [head, ...rows] = all;
  return [line(head!), widths.map((width) => "-".repeat(width)).join("  "), ...rows.map(line)].join("\n");
}

function asMarkdown(all: readonly (readonly string[])[]): string {
  const [head, ...rows] = all;
  const line = (row: readonly string[]) => `| ${row.join(" | ")} |`;
  return [
    line(head!),
    `|${head!.map((_, column) => (column < 2 ? " --- " : " ---: ")).join("|")}|`,
    ...rows.map(line),
  ].join("\n");
}
