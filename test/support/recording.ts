/** The receiving end of an exchange, which writes down what it is told. */
import type { JsonObject } from "../../src/core/json.ts";
import type { Breakage, Exchange, Outgoing, Receiver, ReplyHeaders } from "../../src/core/provider.ts";

/** What an exchange has told its receiver so far, and the exchange's controls. */
export interface Recorded {
  readonly status: number | undefined;
  readonly headers: ReplyHeaders;
  readonly chunks: readonly Buffer[];
  /** All of the body so far. */
  readonly text: string;
  /** `end`, or why it broke; `undefined` while it is under way. */
  readonly outcome: "end" | Breakage | undefined;
  /** What lies behind a break. */
  readonly cause: unknown;
  pause(): void;
  resume(): void;
  abort(): void;
}

/**
 * Starts an exchange and writes down what comes.
 *
 * @param onChunk Called with each chunk after it was written down; may use the controls.
 */
export function record(exchange: Exchange, outgoing: Outgoing, onChunk?: (so: Recorded) => void): Recorded {
  let status: number | undefined;
  let headers: ReplyHeaders = {};
  let outcome: Recorded["outcome"];
  let cause: unknown;
  const chunks: Buffer[] = [];
  const told = () => {
    if (outcome !== undefined) throw new Error("The exchange went on after its end.");
  };
  const receiver: Receiver = {
    onHead(code, names) {
      told();
      status = code;
      headers = names;
    },
    onData(chunk) {
      told();
      if (status === undefined) throw new Error("A chunk came before the head.");
      chunks.push(chunk);
      onChunk?.(recorded);
    },
    onEnd() {
      told();
      outcome = "end";
    },
    onBreak(why, behind) {
      told();
      outcome = why;
      cause = behind;
    },
  };
  const recorded: Recorded = {
    get status() {
      return status;
    },
    get headers() {
      return headers;
    },
    chunks,
    get text() {
      return Buffer.concat(chunks).toString();
    },
    get outcome() {
      return outcome;
    },
    get cause() {
      return cause;
    },
    pause: () => controls.pause(),
    resume: () => controls.resume(),
    abort: () => controls.abort(),
  };
  const controls = exchange(outgoing, receiver);
  if (status !== undefined || outcome !== undefined) throw new Error("The exchange spoke before it had returned.");
  return recorded;
}

/** The JSON of each event of a stream, without the closing `[DONE]`. Throws when an event is no JSON. */
export function eventsOf(text: string): JsonObject[] {
  return text
    .split("\n\n")
    .filter((event) => event !== "" && event !== "data: [DONE]")
    .map((event) => JSON.parse(event.replace(/^data: /, "")) as JsonObject);
}
