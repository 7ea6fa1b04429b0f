import {
  Cause,
  type ChangeKind,
  DiffRevisionsResponseSchema,
  type Revision,
  RevisionSchema,
  RevisionState,
} from "../../gen/polygate/admin/v1/revision_admin_pb.js";
import type { Polygate } from "../client/index.ts";
import { changeLines, changesText } from "./changes.ts";
import { EXIT, type Exit, type Io } from "./io.ts";
import { type Column, type Format, jsonOf, listed, timeText, written } from "./output.ts";
import { PAGE, pages } from "./pages.ts";
import type { WriteFlags } from "./routes.ts";

const REVISION_COLUMNS: readonly Column<Revision>[] = [
  { title: "revision", cell: ({ number }) => String(number) },
  { title: "time (utc)", cell: ({ createTime }) => timeText(createTime) },
  { title: "author", cell: ({ author }) => author },
  { title: "cause", cell: ({ cause }) => Cause[cause].toLowerCase().replaceAll("_", " ") },
  { title: "state", cell: stateText },
  { title: "changes", cell: ({ changes }) => changes.map(({ route, kind }) => `${SIGN[kind]}${route}`).join(" ") },
  { title: "reason", cell: ({ reason }) => reason },
];
const SIGN: Readonly<Record<ChangeKind, string>> = { 0: "?", 1: "+", 2: "~", 3: "-" };

/** `routes history`. */
export async function history(
  client: Polygate,
  io: Io,
  format: Format,
  { route = "", limit = 50 }: { readonly route?: string; readonly limit?: number },
): Promise<Exit> {
  const revisions = await pages(
    (pageToken) =>
      client.revisions
        .listRevisions({ pageSize: Math.min(limit, PAGE), pageToken, route })
        .then((page) => [page.revisions, page.nextPageToken]),
    limit,
  );
  listed(io, format, RevisionSchema, revisions, REVISION_COLUMNS);
  return EXIT.ok;
}

/** `routes changes`: what is different between two revisions. */
export async function changes(client: Polygate, io: Io, format: Format, from: number, to: number): Promise<Exit> {
  const response = await client.revisions.diffRevisions({ from: BigInt(from), to: BigInt(to) });
  if (!written(io, format, () => jsonOf(DiffRevisionsResponseSchema, response))) io.out(changesText(response.changes));
  return EXIT.ok;
}

/** `routes rollback`. */
export async function rollback(
  client: Polygate,
  io: Io,
  format: Format,
  number: number,
  { dryRun: validateOnly = false, reason = "" }: WriteFlags,
): Promise<Exit> {
  const { revision } = await client.revisions.rollbackRevision({ number: BigInt(number), validateOnly, reason });
  if (written(io, format, () => jsonOf(RevisionSchema, revision!))) return EXIT.ok;
  io.out(validateOnly ? `revision ${number} can be restored:\n` : `revision ${revision!.number} restores ${number}:\n`);
  io.out(changesText(revision!.changes));
  return EXIT.ok;
}

/** `routes promote`. */
export async function promote(client: Polygate, io: Io, number: number, percent: number): Promise<Exit> {
  const { revision } = await client.revisions.promoteRevision({ number: BigInt(number), percent });
  io.out(`revision ${number} is ${stateText(revision!)}\n`);
  return EXIT.ok;
}

/** `routes watch`: a line, or a JSON object on a line, for each revision until Ctrl-C. */
export async function watch(client: Polygate, io: Io, format: Format, after: number | undefined): Promise<Exit> {
  const request = after === undefined ? {} : { afterRevision: BigInt(after) };
  try {
    for await (const { revision } of client.routes.watchRoutes(request, { signal: io.signal })) {
      if (format === "table")
        io.out(
          `${[`revision ${revision!.number} by ${revision!.author}`, ...changeLines(revision!.changes)].join("\n")}\n`,
        );
      else io.out(`${JSON.stringify(jsonOf(RevisionSchema, revision!))}\n`);
    }
  } catch (thrown) {
    if (!io.signal.aborted) throw thrown;
  }
  return EXIT.ok;
}

function stateText({ state, stage }: Revision): string {
  if (state === RevisionState.STAGED) return `staged, ${stage?.percent} %`;
  return RevisionState[state].toLowerCase();
}
