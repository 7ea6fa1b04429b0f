import type { Clock } from "./clock.ts";
import { errors } from "./errors.ts";
import type { Controls, Exchange, Outgoing, Receiver, ReplyHeaders } from "./provider.ts";

/** A whole answer. */
export interface Answer {
  readonly status: number;
  readonly headers: ReplyHeaders;
  readonly body: Buffer;
}

/** Most of an answer that is read, where nothing else is said. */
const MAX_BYTES = 64 * 1024;
/** Longest wait for an answer, so that a server that is silent does not keep every later call waiting. */
const TIMEOUT_MS = 10_000;

/**
 * Sends one request of a provider's own, as for a token, and collects its answer. Rejects with UPSTREAM_UNREACHABLE or
 * DEADLINE_PASSED.
 *
 * @param who Is asked, for the errors.
 * @param named How it is called where it cannot be reached; default `who`.
 * @param maxBytes Most of an answer that is read.
 */
export function ask(
  exchange: Exchange,
  outgoing: Outgoing,
  clock: Clock,
  who: string,
  named = who,
  maxBytes = MAX_BYTES,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  let status = 0;
  let headers: ReplyHeaders = {};
  let size = 0;
  const chunks: Buffer[] = [];
  let controls: Controls | undefined;
  const timer = clock.after(TIMEOUT_MS, () => {
    controls?.abort();
    reject(errors.deadline(`${who} did not answer in time.`, "first_byte"));
  });
  const receiver: Receiver = {
    onHead(code, head) {
      status = code;
      headers = head;
    },
    onData(chunk) {
      size += chunk.length;
      if (size <= maxBytes) chunks.push(chunk);
    },
    onEnd() {
      clock.cancel(timer);
      resolve({ status, headers, body: Buffer.concat(chunks) });
    },
    onBreak(why, cause) {
      clock.cancel(timer);
      reject(errors.unreachable(named, cause ?? why));
    },
  };
  controls = exchange(outgoing, receiver);
  return promise;
}
