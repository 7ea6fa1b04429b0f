import { errors } from "../../core/errors.ts";
import type { Controls, Exchange, Outgoing, Receiver, ReplyHeaders, Tools } from "../../core/provider.ts";

/** A whole answer. */
export interface Answer {
  readonly status: number;
  readonly headers: ReplyHeaders;
  readonly body: Buffer;
}

/** Most of an answer that is read: one with keys has 1-3 KB. */
const MAX_BYTES = 64 * 1024;
/** Longest wait for an answer, so that a server that is silent does not keep every later call waiting. */
const TIMEOUT_MS = 10_000;

/** Sends one request of the provider's own and collects its answer. Rejects with UPSTREAM_UNREACHABLE or DEADLINE_PASSED. */
export function post(exchange: Exchange, outgoing: Outgoing, { clock }: Pick<Tools, "clock">): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  let status = 0;
  let headers: ReplyHeaders = {};
  let size = 0;
  const chunks: Buffer[] = [];
  let controls: Controls | undefined;
  const timer = clock.after(TIMEOUT_MS, () => {
    controls?.abort();
    reject(errors.deadline("AWS STS did not answer in time.", "first_byte"));
  });
  const over = () => clock.cancel(timer);
  const receiver: Receiver = {
    onHead(code, head) {
      status = code;
      headers = head;
    },
    onData(chunk) {
      size += chunk.length;
      if (size <= MAX_BYTES) chunks.push(chunk);
    },
    onEnd() {
      over();
      resolve({ status, headers, body: Buffer.concat(chunks) });
    },
    onBreak(why, cause) {
      over();
      reject(errors.unreachable("bedrock: AWS STS", cause ?? why));
    },
  };
  controls = exchange(outgoing, receiver);
  return promise;
}
