import { existsSync } from "node:fs";
import { readFile, rename, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Store } from "../gen/polygate/config/v1/config_pb.js";
import { openSeals, reseal } from "./admin/open-seals.ts";
import { newSealingKey, readSealingKey, type SealingKey, type SealingKeys, type Seals } from "./admin/seals.ts";
import { ms } from "./compile.ts";
import type { Clock } from "./core/clock.ts";
import { errors, GatewayError } from "./core/errors.ts";
import { type Ledger, type LedgerSettings, readOnly } from "./core/ledger.ts";
import { lazyLedger } from "./lazy-ledger.ts";
import { loadStore } from "./registry.ts";

/** How long a database that does not answer is asked again at start. */
const PATIENCE_MS = 10_000;
const PAUSE_MS = 250;

/** The gateway cannot use its store; nothing was started. */
export class StoreRefused extends Error {
  /** 2: the settings are wrong. 1: they may be right, and the store does not answer. */
  readonly exitCode: 1 | 2;
  constructor(message: string, exitCode: 1 | 2, cause?: unknown) {
    super(message, { cause });
    this.name = "StoreRefused";
    this.exitCode = exitCode;
  }
}

/** A ledger, and what its secrets are sealed with. */
export interface OpenLedger {
  /** For the admin API. */
  readonly ledger: Ledger;
  /** The same, for what the gateway itself notes, also where the API has nothing to write in. */
  readonly own: Ledger;
  readonly seals: Seals;
}

/** What a ledger is opened with. */
export interface OpeningParts {
  readonly store: Store | undefined;
  /** The config file as it was named; for messages. */
  readonly file: string;
  /** Where relative paths start. */
  readonly folder: string;
  readonly clock: Clock;
  readonly failed: (error: unknown) => void;
}

/** Opens what the config says of its store. Throws `StoreRefused`. */
export async function openLedgerOf(parts: OpeningParts): Promise<OpenLedger> {
  const { store, folder } = parts;
  const kind = store?.kind || "sqlite";
  if (kind === "none") return openNone(parts);
  if (kind === "postgres") {
    const ledger = await patiently(() => open("postgres", { url: store?.url ?? "" }, parts), parts.clock);
    return { ledger, own: ledger, seals: await sealsOf(ledger, keysOf(store)) };
  }
  const path = resolve(folder, store?.path || "polygate.db");
  return existsSync(path) ? openFile(parts, path) : openLazily(parts, path);
}

async function openNone(parts: OpeningParts): Promise<OpenLedger> {
  const own = await open("memory", {}, parts);
  const seals = await openSeals(own, { current: newSealingKey(), former: [] });
  return { ledger: readOnly(own, `The gateway has no store; set store in ${parts.file}.`), own, seals };
}

async function openFile(parts: OpeningParts, path: string): Promise<OpenLedger> {
  const ledger = await opened(() => open("sqlite", { path }, parts));
  // A rotation that was broken off may have sealed with the key that was to be.
  const keys = keysOf(parts.store, await keyFile(besideOf(path)), await keyFile(nextOf(path)));
  const file = parts.store?.encryptionKey ? undefined : besideOf(path);
  return { ledger, own: ledger, seals: await sealsOf(ledger, keys, file) };
}

/**
 * Seals everything in the store anew, with `encryption_key`, or where the config has none with a new key in the file beside the
 * store's. Whoever runs on the store has to know both keys meanwhile, or not to run. Throws `StoreRefused`.
 *
 * @returns How many sealed texts there were.
 */
export async function resealStore(parts: OpeningParts): Promise<number> {
  const { store, folder } = parts;
  const kind = store?.kind || "sqlite";
  const path = resolve(folder, store?.path || "polygate.db");
  if (kind === "none" || (kind === "sqlite" && !existsSync(path)))
    throw new StoreRefused("store: there is nothing in it that could be sealed anew.", 2);
  if (kind === "postgres")
    return resealWith(await opened(() => open(kind, { url: store?.url ?? "" }, parts)), keysOf(store));
  const ledger = await opened(() => open(kind, { path }, parts));
  const beside = await keyFile(besideOf(path));
  if (store?.encryptionKey) return resealWith(ledger, keysOf(store, beside));
  if (beside === undefined) {
    await ledger.close();
    throw new StoreRefused(`store: there is no ${besideOf(path)}; put the key there with which ${path} is sealed.`, 2);
  }
  const next = (await keyFile(nextOf(path))) ?? newSealingKey();
  await writeKey(nextOf(path), next);
  const count = await resealWith(ledger, { current: next, former: [beside] });
  await rename(nextOf(path), besideOf(path));
  return count;
}

async function resealWith(ledger: Ledger, keys: SealingKeys | undefined): Promise<number> {
  try {
    await openSeals(ledger, keys);
    return await reseal(ledger, keys!);
  } catch (thrown) {
    throw refused(thrown, 2);
  } finally {
    await ledger.close();
  }
}

/** There is no file yet. */
async function openLazily(parts: OpeningParts, path: string): Promise<OpenLedger> {
  const given = keysOf(parts.store, await keyFile(besideOf(path)));
  const keys = given ?? { current: newSealingKey(), former: [] };
  const memory = await open("memory", {}, parts);
  const seals = await openSeals(memory, keys);
  const lazy = lazyLedger("sqlite", memory, async () => {
    if (given === undefined) await writeKey(besideOf(path), keys.current);
    const ledger = await open("sqlite", { path, create: true }, parts);
    try {
      await copyAll(memory, ledger, path);
      return ledger;
    } catch (thrown) {
      await ledger.close();
      throw thrown;
    }
  });
  return { ...lazy, seals };
}

/** Everything that the gateway noted before there was a file: its notes, revisions of the config file, and whom it refused. */
async function copyAll(from: Ledger, to: Ledger, path: string): Promise<void> {
  const all = Number.MAX_SAFE_INTEGER;
  const [notes, revisions] = [await from.notes(), await from.revisionsAfter(0, all)];
  const acts = await from.auditAfter(0, all);
  await to.write(async (tx) => {
    if ((await tx.notes()).size > 0 || (await tx.head()).revision > 0) {
      throw errors.storeUnavailable(`Another gateway has made ${path} meanwhile; start this one again.`);
    }
    for (const [name, value] of notes) await tx.setNote(name, value);
    for (const { number: _, ...revision } of revisions) await tx.addRevision(revision);
    for (const { sequence: _, hash: __, ...act } of acts) await tx.addAudit(act);
  });
}

async function open(kind: string, own: Partial<LedgerSettings>, { store, failed }: OpeningParts): Promise<Ledger> {
  const settings = { path: "", url: "", pollMs: ms(store?.pollInterval), create: false, failed, ...own };
  return (await loadStore(kind)).openLedger!(settings);
}

/** Keys of the config, and of the file beside the store; `undefined`: there is none. @param next May have sealed, too. */
function keysOf(store: Store | undefined, beside?: SealingKey, next?: SealingKey): SealingKeys | undefined {
  const current = store?.encryptionKey ? readSealingKey(store.encryptionKey) : beside;
  const former = (store?.formerEncryptionKeys ?? []).flatMap((text) => readSealingKey(text) ?? []);
  const others = [beside, next].filter((key) => key !== undefined && key !== current);
  return current && { current, former: [...former, ...(others as SealingKey[])] };
}

/** @param file Where the key is when the config has none. */
async function sealsOf(ledger: Ledger, keys: SealingKeys | undefined, file?: string): Promise<Seals> {
  try {
    return await openSeals(ledger, keys, file);
  } catch (thrown) {
    await ledger.close().catch(() => undefined);
    throw refused(thrown, 2);
  }
}

const besideOf = (path: string): string => `${path}.key`;
const nextOf = (path: string): string => `${path}.key.new`;

async function keyFile(beside: string): Promise<SealingKey | undefined> {
  let text: string;
  try {
    text = await readFile(beside, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new StoreRefused(`store: the key file ${beside} cannot be read; change its permissions.`, 2, error);
  }
  const key = readSealingKey(text);
  if (!key) throw new StoreRefused(`store: ${beside} does not hold 32 bytes in base64; put the right key there.`, 2);
  return key;
}

/** Readable by the gateway's own user alone. */
async function writeKey(beside: string, { bytes }: SealingKey): Promise<void> {
  const text = `${bytes.toString("base64")}\n`;
  try {
    await writeFile(beside, text, { flag: "wx", mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
      throw errors.storeUnavailable(`The key file ${beside} cannot be written; nothing was changed.`, error);
    }
    // From a try before that then failed, or another gateway's.
    if ((await readFile(beside, "utf8").catch(() => "")) === text) return;
    throw errors.storeUnavailable(`Another gateway has made ${beside} meanwhile; start this one again.`);
  }
}

async function patiently(act: () => Promise<Ledger>, clock: Clock): Promise<Ledger> {
  for (const end = clock.now() + PATIENCE_MS; ; ) {
    try {
      return await act();
    } catch (thrown) {
      if (clock.now() >= end) throw refused(thrown, 1);
      await new Promise<void>((resume) => clock.after(PAUSE_MS, resume));
    }
  }
}

async function opened(act: () => Promise<Ledger>): Promise<Ledger> {
  try {
    return await act();
  } catch (thrown) {
    throw refused(thrown, 1);
  }
}

function refused(thrown: unknown, exitCode: 1 | 2): unknown {
  if (!(thrown instanceof GatewayError)) return thrown;
  return new StoreRefused(thrown.message, exitCode, thrown);
}
