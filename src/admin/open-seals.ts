import { randomBytes } from "node:crypto";
import { GatewayError } from "../core/errors.ts";
import type { Ledger, LedgerWrites } from "../core/ledger.ts";
import { isSealed, type SealingKeys, type Seals, seal, sealsOf, unseal } from "./seals.ts";

/** Notes of the ledger, each sealed: a known text, what masks are made with, and what API keys are hashed with. */
const CHECK = "seal.check";
const MASK_KEY = "mask.key";
const PEPPER = "keys.pepper";
const KNOWN_TEXT = "polygate";

/**
 * The seals of a ledger. What they need is noted in it the first time; where it cannot be written, it lasts as long as the process.
 * Throws STORE_UNAVAILABLE with what to do when the keys are not those with which the ledger was sealed, so that a gateway does not
 * start to find that out later.
 *
 * @param keys `undefined`: the config has none.
 * @param file Where the key is when the config has none.
 */
export async function openSeals(ledger: Ledger, keys: SealingKeys | undefined, file?: string): Promise<Seals> {
  const notes = await ledger.notes();
  if (!keys) throw refused("no encryption_key is set", notes.get(CHECK), file);
  if (notes.has(CHECK)) return sealsFrom(notes, keys, file);
  const first = new Map([
    [CHECK, seal(keys.current, KNOWN_TEXT)],
    [MASK_KEY, seal(keys.current, randomBytes(32).toString("base64"))],
    [PEPPER, seal(keys.current, randomBytes(32).toString("base64"))],
  ]);
  return sealsFrom(ledger.writable ? await ledger.write((tx) => noteOnce(tx, first)) : first, keys, file);
}

/** Two gateways may start on one empty store: the first one's notes hold. */
async function noteOnce(tx: LedgerWrites, first: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, string>> {
  if ((await tx.note(CHECK)) !== undefined) return tx.notes();
  for (const [name, value] of first) await tx.setNote(name, value);
  return first;
}

function sealsFrom(notes: ReadonlyMap<string, string>, keys: SealingKeys, file?: string): Seals {
  const check = notes.get(CHECK)!;
  let known: string;
  try {
    known = unseal(keys, check);
  } catch (cause) {
    throw refused("encryption_key is another one", check, file, cause);
  }
  if (known !== KNOWN_TEXT) throw refused("encryption_key is another one", check, file);
  const secret = (name: string) => Buffer.from(unseal(keys, notes.get(name) ?? ""), "base64");
  return sealsOf(keys, secret(MASK_KEY), secret(PEPPER));
}

function refused(why: string, check: string | undefined, file: string | undefined, cause?: unknown): GatewayError {
  const id = check !== undefined && isSealed(check) ? check.split(":")[2] : undefined;
  const what =
    id === undefined ? "set 32 bytes there" : `set the key whose id is ${id}, or list it in former_encryption_keys`;
  const back = file === undefined ? "" : ` Without one in the config it is in ${file}.`;
  return new GatewayError(`store: ${why}; ${what}.${back}`, { reason: "STORE_UNAVAILABLE" }, cause);
}

/**
 * Seals the whole ledger anew with the first of the keys, in one transaction. Throws STORE_UNAVAILABLE when something in it can be
 * opened by none of them: then nothing was changed.
 *
 * @returns How many sealed texts there were.
 */
export function reseal(ledger: Ledger, keys: SealingKeys): Promise<number> {
  return ledger.write((tx) => tx.reseal((sealed) => seal(keys.current, unseal(keys, sealed))));
}
