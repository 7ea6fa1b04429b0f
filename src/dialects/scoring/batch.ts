import { Body } from "../../core/body.ts";
import { errors } from "../../core/errors.ts";
import type { Batching, Part } from "../../core/provider.ts";
import { elements } from "./elements.ts";
import { formOf } from "./request.ts";

/** A member of an object, its value as it is spelt. */
type Member = readonly [key: string, value: Buffer | string];

/** Requests of MLflow's scoring forms are cut by their rows, and lists of predictions put together, byte for byte. */
export const batching: Batching = { split, join };

function split(body: Body, maxRows: number): readonly Part[] | undefined {
  if (body.csv) return undefined;
  const form = formOf(body);
  const members = membersOf(body);
  const value = members.find(([key]) => key === form)![1];
  // Anything but a table is wrong, which the model server says in its own words.
  if (form === "dataframe_split" && !begins(bytesOf(value), "{")) return undefined;
  const inside = form === "dataframe_split" ? membersOf(Body.ofReply(bytesOf(value))) : undefined;
  const rows = elements(bytesOf(inside === undefined ? value : (inside.find(([key]) => key === "data")?.[1] ?? "")));
  if (rows === undefined || rows.length <= maxRows) return undefined;
  const index = inside && elements(bytesOf(inside.find(([key]) => key === "index")?.[1] ?? ""));
  // An index of another length is wrong, which the model server says in its own words.
  if (index !== undefined && index.length !== rows.length) return undefined;
  const parts: Part[] = [];
  for (let at = 0; at < rows.length; at += maxRows) {
    const some = (list: readonly Buffer[]) => listOf(list.slice(at, at + maxRows));
    const put = inside ? replaced(replaced(inside, "data", some(rows)), "index", index && some(index)) : some(rows);
    const made = Buffer.isBuffer(put) ? put : Body.ofMembers(put).bytes;
    parts.push({
      body: Body.ofBytes(Body.ofMembers(replaced(members, form, made)).bytes),
      firstRow: at,
      rows: Math.min(maxRows, rows.length - at),
    });
  }
  return parts;
}

function join(replies: readonly Body[], parts: readonly Part[]): Body {
  const told = replies.map((reply) => {
    const bare = begins(reply.bytes, "[");
    return bare ? [["", reply.bytes] as const] : membersOf(reply);
  });
  const lists = told.map((members, at) => {
    const { firstRow, rows } = parts[at]!;
    const list = members.find(([key]) => key === "" || key === "predictions")?.[1];
    const found = list === undefined ? undefined : elements(bytesOf(list));
    if (found?.length !== rows) throw notByRows(firstRow, rows);
    return found;
  });
  const predictions = listOf(lists.flat());
  const [first] = told;
  if (first![0]![0] === "") return Body.ofReply(predictions);
  // What the parts say beside their predictions is said of the whole when all of them say it.
  const common = first!.filter(([key, value]) =>
    told.every((members) => {
      const own = members.find(([name]) => name === key)?.[1];
      return key === "predictions" || (own !== undefined && bytesOf(own).equals(bytesOf(value)));
    }),
  );
  return Body.ofMembers(replaced(common, "predictions", predictions));
}

function begins(bytes: Buffer, letter: string): boolean {
  return bytes.toString("latin1", 0, 64).trimStart().startsWith(letter);
}

function notByRows(firstRow: number, rows: number) {
  return errors.upstreamFailed(
    `The model server answered the rows ${firstRow}-${firstRow + rows - 1} with something else than a list of one prediction for each, ` +
      "which cannot be put together with the others; ask for fewer rows, or remove batch from the route.",
  );
}

function membersOf(body: Body): readonly Member[] {
  return body.keys().map((key) => [key, body.slice(key) ?? JSON.stringify(body.peek(key))]);
}

function replaced(members: readonly Member[], key: string, value: Buffer | undefined): readonly Member[] {
  return value === undefined ? members : members.map((one) => (one[0] === key ? [key, value] : one));
}

const bytesOf = (value: Buffer | string): Buffer => (typeof value === "string" ? Buffer.from(value) : value);

/** As Python writes it. */
function listOf(items: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [OPEN];
  for (const [at, item] of items.entries()) parts.push(...(at === 0 ? [item] : [BETWEEN, item]));
  return Buffer.concat([...parts, CLOSE]);
}

const [OPEN, BETWEEN, CLOSE] = ["[", ", ", "]"].map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer];
