import { create } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  CreateKeyResponseSchema,
  type Key,
  KeySchema,
  KeyState,
  Realm,
  RotateKeyResponseSchema,
  type Scope,
  ScopeSchema,
} from "../../gen/polygate/admin/v1/key_admin_pb.js";
import type { Polygate } from "../client/index.ts";
import { CommandFailed, EXIT, type Exit, type Io } from "./io.ts";
import { type Column, type Format, jsonOf, listed, timeText, written } from "./output.ts";
import { PAGE, pages } from "./pages.ts";

/** Flags of `keys create`. */
export interface CreateFlags {
  readonly scope?: readonly string[];
  readonly tenant?: string;
  readonly team?: string;
  readonly user?: string;
  readonly application?: string;
  /** A span such as `30d`, or a time such as `2027-01-31`. */
  readonly expires?: string;
  readonly description?: string;
  readonly dryRun?: boolean;
}

const COLUMNS: readonly Column<Key>[] = [
  { title: "id", cell: ({ id }) => id },
  { title: "name", cell: ({ name }) => name },
  { title: "state", cell: ({ state }) => KeyState[state].toLowerCase() },
  { title: "scopes", cell: ({ scopes }) => scopes.map(scopeText).join(" ") },
  { title: "created (utc)", cell: ({ createTime }) => timeText(createTime) },
  { title: "expires (utc)", cell: ({ expireTime }) => timeText(expireTime) },
  { title: "made by", cell: ({ author }) => author },
];
const REALMS = { inference: Realm.INFERENCE, admin: Realm.ADMIN } as const;
const SPANS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** `keys create`: the key itself goes to standard output, alone, so that it can be piped; what it is goes to standard error. */
export async function createKey(
  client: Polygate,
  io: Io,
  format: Format,
  name: string,
  flags: CreateFlags,
  nowMs: number,
): Promise<Exit> {
  const { tenant = "", team = "", user = "", application = "", description = "", dryRun: validateOnly = false } = flags;
  const scopes = (flags.scope ?? ["inference"]).map(scopeOf);
  const expires = flags.expires === undefined ? undefined : timeOf(flags.expires, nowMs);
  const response = await client.keys.createKey({
    name,
    scopes,
    description,
    validateOnly,
    owner: { tenant, team, user, application },
    ...(expires !== undefined && { expireTime: timestampFromMs(expires) }),
  });
  if (written(io, format, () => jsonOf(CreateKeyResponseSchema, response))) return EXIT.ok;
  if (validateOnly) io.say(`the key ${name} can be made`);
  else shown(io, response.key!, response.secret);
  return EXIT.ok;
}

/** `keys list`. */
export async function list(client: Polygate, io: Io, format: Format, filter = ""): Promise<Exit> {
  const keys = await pages((pageToken) =>
    client.keys.listKeys({ pageSize: PAGE, pageToken, filter }).then((page) => [page.keys, page.nextPageToken]),
  );
  listed(io, format, KeySchema, keys, COLUMNS);
  return EXIT.ok;
}

/** `keys get`. */
export async function get(client: Polygate, io: Io, format: Format, id: string): Promise<Exit> {
  const { key } = await client.keys.getKey({ id });
  written(io, format === "table" ? "yaml" : format, () => jsonOf(KeySchema, key!));
  return EXIT.ok;
}

/** `keys rotate`. */
export async function rotate(
  client: Polygate,
  io: Io,
  format: Format,
  id: string,
  overlap: string | undefined,
): Promise<Exit> {
  const span = overlap === undefined ? undefined : spanOf(overlap);
  const response = await client.keys.rotateKey({ id, ...(span !== undefined && { overlap: durationFromMs(span) }) });
  if (written(io, format, () => jsonOf(RotateKeyResponseSchema, response))) return EXIT.ok;
  shown(io, response.key!, response.secret);
  io.say(`${id} goes on until ${timeText(response.replaced?.expireTime) || "it is revoked"} UTC`);
  return EXIT.ok;
}

/** `keys revoke`. */
export async function revoke(client: Polygate, io: Io, id: string): Promise<Exit> {
  await client.keys.revokeKey({ id });
  io.out(`revoked ${id}\n`);
  return EXIT.ok;
}

/** `inference`, `inference:chat,embeddings`, `inference:*@team-a-*,shared`, `admin:routes.read,routes.write@team-a-*`. */
export function scopeOf(text: string): Scope {
  const [, realm = "", operations, routes] = /^([^:@]+)(?::([^@]+))?(?:@(.+))?$/.exec(text) ?? [];
  if (!Object.hasOwn(REALMS, realm))
    throw new CommandFailed(
      `--scope ${text}: want inference or admin, then maybe :operations and @routes, such as inference:chat@team-a-*`,
      EXIT.invalid,
    );
  const listOf = (part: string | undefined) => part?.split(",").map((one) => one.trim()) ?? [];
  return create(ScopeSchema, {
    realm: REALMS[realm as keyof typeof REALMS],
    operations: listOf(operations),
    routes: listOf(routes),
  });
}

/** As `scopeOf` reads it. */
function scopeText({ realm, operations, routes }: Scope): string {
  const part = (sign: string, all: readonly string[]) =>
    all.length > 0 && all.join() !== "*" ? sign + all.join(",") : "";
  const what = part(":", operations);
  const where = part("@", routes);
  return `${Realm[realm].toLowerCase()}${what}${where}`;
}

function shown(io: Io, { id, name, scopes }: Key, secret: string): void {
  io.say(`key ${id} for ${name}: ${scopes.map(scopeText).join(" ")}`);
  io.say("It is shown this once:");
  io.out(`${secret}\n`);
}

/** Milliseconds of `90s`, `30m`, `12h`, `30d` or `2w`. */
function spanOf(text: string): number {
  const [, count, unit] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  if (unit === undefined) throw new CommandFailed(`${text}: want a span such as 12h or 30d`, EXIT.invalid);
  return Number(count) * SPANS[unit]! * 1000;
}

function timeOf(text: string, nowMs: number): number {
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : nowMs + spanOf(text);
  if (Number.isNaN(time)) throw new CommandFailed(`${text}: want a time such as 2027-01-31, or 30d`, EXIT.invalid);
  return time;
}
