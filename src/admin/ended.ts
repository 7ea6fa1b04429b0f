import { KeyState } from "../../gen/polygate/admin/v1/key_admin_pb.js";
import type { Actor } from "../core/admin.ts";
import { GatewayError } from "../core/errors.ts";
import { stateOf } from "./key-records.ts";
import type { AdminParts } from "./parts.ts";

/** How long a stream goes on telling after its key was ended. */
const CHECK_MS = 500;

/**
 * Looks whether the key by which a stream was opened is good still. Throws CALLER_UNKNOWN when it was revoked or is over. Asks the
 * ledger at most twice a second; keys that are not the store's end with their stream's gateway.
 */
export function endedWatch({ ledger, tools }: Pick<AdminParts, "ledger" | "tools">, actor: Actor): () => Promise<void> {
  const { keyId } = actor.principal;
  let next = tools.clock.now() + CHECK_MS;
  return async () => {
    const now = tools.clock.now();
    if (keyId === "" || now < next) return;
    next = now + CHECK_MS;
    const record = await ledger.key(keyId);
    if (record && stateOf(record, tools.wallNow()) !== KeyState.ACTIVE)
      throw new GatewayError("The key by which this was asked is no longer good.", { reason: "CALLER_UNKNOWN" });
  };
}
