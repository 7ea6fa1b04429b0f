import type { Call } from "../../core/call.ts";
import { networkOf } from "./address.ts";

/** Who a call is counted with, by the setting `key`. */
export const KINDS = ["user", "endpoint", "address"] as const;

/** Whether the setting `key` is one of them. */
export function isKind(key: string): key is (typeof KINDS)[number] {
  return KINDS.includes(key as (typeof KINDS)[number]);
}

/** Most texts that are known again; there may be as many callers as there are addresses. */
const MAX_TEXTS = 1024;

/** The keys of one limit's counters. Those of who calls again are the same texts, for a new one would be hashed for each call. */
export class Keys {
  private readonly prefix: string;
  private readonly all: string;
  private readonly users = new Map<string, string>();
  private readonly addresses = new Map<string, string>();

  constructor(prefix: string) {
    this.prefix = prefix;
    this.all = `${prefix}all`;
  }

  endpoint(): string {
    return this.all;
  }

  /** A caller whom nobody knows is counted by its address. */
  user(call: Call): string {
    const { principal } = call;
    if (principal === "") return this.address(call);
    return this.users.get(principal) ?? kept(this.users, principal, `${this.prefix}user ${principal}`);
  }

  address({ arrival: { remote } }: Call): string {
    return this.addresses.get(remote) ?? kept(this.addresses, remote, `${this.prefix}address ${networkOf(remote)}`);
  }
}

function kept(texts: Map<string, string>, who: string, text: string): string {
  if (texts.size >= MAX_TEXTS) texts.clear();
  texts.set(who, text);
  return text;
}
