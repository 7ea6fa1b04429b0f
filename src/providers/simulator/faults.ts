import { type Duration, durationMs } from "@bufbuild/protobuf/wkt";
import type { Fault } from "../../../gen/providers/simulator/v1/settings_pb.js";
import { isStream } from "../../core/answer.ts";
import type { ReplyHeaders } from "../../core/provider.ts";
import { type Answer, frameOf, refusal } from "./answer.ts";

/** Where an answer goes wrong: silence for ever, or a broken connection. */
export const STALL = Symbol("stall");
export const BREAK = Symbol("break");
/** A chunk of the body, or what happens in place of one. */
export type Step = Buffer | typeof STALL | typeof BREAK;

/** An answer with what goes wrong in it. */
export interface Script {
  readonly status: number;
  readonly headers: ReplyHeaders;
  readonly steps: Iterable<Step>;
}

/**
 * Says for each request what goes wrong: the first fault that is due, or none. Counts the requests.
 *
 * @param random Uniform in [0, 1).
 */
export function faultsOf(faults: readonly Fault[], random: () => number): () => Fault | undefined {
  let requests = 0;
  return () => {
    requests++;
    return faults.find(({ when }) => {
      if (when.case === "rate") return random() < when.value;
      if (when.case === "every") return requests % when.value === 0;
      if (when.case === "first") return requests <= when.value;
      return true;
    });
  };
}

/**
 * What is played: `make`'s answer when there is no fault, else one that the fault takes the place of or spoils. `STALL`: no
 * answer ever comes; `BREAK`: no connection does.
 */
export function scriptOf(fault: Fault | undefined, make: () => Answer): Script | typeof STALL | typeof BREAK {
  if (fault?.what.case === "unreachable") return BREAK;
  if (fault?.what.case === "stall") return STALL;
  if (fault?.what.case === "status") return refused(fault.what.value, fault.retryAfter);
  const { status, headers, chunks } = make();
  if (fault?.what.case === "cutAtByte") return { status, headers, steps: cut(chunks, fault.what.value) };
  return { status, headers, steps: fault ? spoiled(chunks, fault.what, isStream(headers)) : chunks };
}

function refused(status: number, retryAfter: Duration | undefined): Script {
  const ms = retryAfter && durationMs(retryAfter);
  const headers: ReplyHeaders =
    ms === undefined ? {} : { "retry-after": String(Math.ceil(ms / 1000)), "retry-after-ms": String(ms) };
  const { chunks, ...head } = refusal(status, `Simulated fault: status ${status}.`, null, headers);
  return { ...head, steps: chunks };
}

function* cut(chunks: Iterable<Buffer>, bytes: number): Generator<Step> {
  let left = bytes;
  if (left === 0) yield BREAK;
  for (const chunk of chunks) {
    yield left < chunk.length ? chunk.subarray(0, left) : chunk;
    left -= chunk.length;
    if (left <= 0) yield BREAK;
  }
}

function* spoiled(chunks: Iterable<Buffer>, what: Fault["what"], streamed: boolean): Generator<Step> {
  let count = 0;
  if (what.case === "stallAfterChunks" && what.value === 0) yield STALL;
  for (const chunk of chunks) {
    count++;
    if (what.case === "errorChunk" && what.value === count) {
      const error = {
        message: `Simulated fault: an error in chunk ${count}.`,
        type: "server_error",
        param: null,
        code: null,
      };
      const text = JSON.stringify({ error });
      yield streamed ? frameOf(text) : Buffer.from(text);
      return;
    }
    if (what.case === "malformedChunk" && what.value === count) yield half(chunk, streamed);
    else yield chunk;
    if (what.case === "stallAfterChunks" && what.value === count) yield STALL;
  }
}

/** Half of a JSON object is never JSON. In a stream it ends as an event does. */
function half(chunk: Buffer, streamed: boolean): Buffer {
  const first = chunk.subarray(0, chunk.length >> 1);
  return streamed ? Buffer.concat([first, Buffer.from("\n\n")]) : first;
}
