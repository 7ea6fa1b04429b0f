import type { Config } from "../../gen/polygate/config/v1/config_pb.js";
import type { Origins } from "./origins.ts";
import type { Report } from "./problems.ts";
import { type Entry, isNull, type Node } from "./tree.ts";

/** The file with `store: none`, or any other kind by its name alone, as the table that it stands for. */
export function readStore(tree: Node): Node {
  const given = tree.kind === "table" ? tree.entries.get("store") : undefined;
  if (tree.kind !== "table" || given?.value.kind !== "scalar" || isNull(given.value)) return tree;
  const { at } = given.value;
  const table: Entry = {
    ...given,
    value: { kind: "table", at, entries: new Map([["kind", { at, value: given.value }]]) },
  };
  return { ...tree, entries: new Map([...tree.entries, ["store", table]]) };
}

/** 32 bytes in hexadecimal digits, base64 or base64url. */
const KEY = /^\s*(?:[0-9a-fA-F]{64}|[A-Za-z0-9+/_-]{43}=?)\s*$/;

/** What of `store` does not go together. Secrets are resolved already. */
export function checkStore({ store }: Config, origins: Origins, report: Report): void {
  if (!store) return;
  const tell = (name: string, message: string, step = "") => {
    const { at, path } = origins.spot(store, name);
    if (!report.has(path + step)) report.problem(at, path + step, message);
  };
  const { kind, url, encryptionKey, formerEncryptionKeys } = store;
  if (kind === "postgres") {
    if (url === "") tell("url", "missing; say where the database is, such as postgres://user:password@host/name");
    else if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) {
      tell("url", "want an address such as postgres://user:password@host/name");
    }
    if (encryptionKey === "") tell("encryption_key", "missing; postgres needs one: 32 random bytes in base64");
  } else if (url !== "") tell("url", "is of the kind postgres alone; remove it, or set kind");
  if (kind !== "sqlite" && kind !== "" && store.path !== "") tell("path", "is of the kind sqlite alone; remove it");
  const want = "want 32 bytes in base64 or hexadecimal digits";
  if (encryptionKey !== "" && !KEY.test(encryptionKey)) tell("encryption_key", want);
  for (const [index, key] of formerEncryptionKeys.entries()) {
    if (!KEY.test(key)) tell("former_encryption_keys", want, `[${index}]`);
  }
}
