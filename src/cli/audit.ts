import { type AuditEvent, AuditEventSchema } from "../../gen/polygate/admin/v1/audit_pb.js";
import type { Polygate } from "../client/index.ts";
import { EXIT, type Exit, type Io } from "./io.ts";
import { type Column, type Format, jsonOf, listed, timeText } from "./output.ts";
import { PAGE, pages } from "./pages.ts";

const COLUMNS: readonly Column<AuditEvent>[] = [
  { title: "event", cell: ({ sequence }) => String(sequence) },
  { title: "time (utc)", cell: ({ time }) => timeText(time) },
  { title: "actor", cell: ({ actor }) => actor },
  { title: "action", cell: ({ action }) => action.slice(action.lastIndexOf(".") + 1) },
  { title: "resource", cell: ({ resource }) => resource },
  { title: "outcome", cell: ({ outcome }) => outcome },
  { title: "remote", cell: ({ remote }) => remote },
  { title: "request", cell: ({ requestId }) => requestId },
];

/** `audit list`, the newest first. */
export async function list(
  client: Polygate,
  io: Io,
  format: Format,
  { filter = "", limit = 50 }: { readonly filter?: string; readonly limit?: number },
): Promise<Exit> {
  const events = await pages(
    (pageToken) =>
      client.audit
        .listAuditEvents({ pageSize: Math.min(limit, PAGE), pageToken, filter })
        .then((page) => [page.events, page.nextPageToken]),
    limit,
  );
  listed(io, format, AuditEventSchema, events, COLUMNS);
  return EXIT.ok;
}

/** `audit export`: every event, the oldest first, as a JSON object on a line. */
export async function exportAll(client: Polygate, io: Io, after: number): Promise<Exit> {
  const request = { afterSequence: BigInt(after) };
  for await (const { event } of client.audit.exportAuditEvents(request, { signal: io.signal }))
    io.out(`${JSON.stringify(jsonOf(AuditEventSchema, event!))}\n`);
  return EXIT.ok;
}

/** `audit verify`: exits with 1 when an event is not as it was written. */
export async function verify(client: Polygate, io: Io): Promise<Exit> {
  const { verified, brokenSequence } = await client.audit.verifyAuditEvents({});
  if (brokenSequence === 0n) {
    io.out(`all ${verified} events are as they were written\n`);
    return EXIT.ok;
  }
  io.out(`event ${brokenSequence} is missing or not as it was written; the ${verified} before it are whole\n`);
  return EXIT.differs;
}
