/** The two ends of a call that write down what they are told: a provider's receiver, and a protocol's sink. */
import type { GatewayError } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { Sink } from "../../src/core/protocol.ts";
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
    onBreak(why) {
      told();
      outcome = why;
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
    pause: () => controls.pause(),
    resume: () => controls.resume(),
    abort: () => controls.abort(),
  };
  const controls = exchange(outgoing, receiver);
  if (status !== undefined || outcome !== undefined) throw new Error("The exchange spoke before it had returned.");
  return recorded;
}

/** A sink that takes parsed events and keeps all it is told. Throws when it is told more than one ending. */
export class RecordingSink implements Sink {
  readonly raw = false;
  whole: JsonObject | undefined = undefined;
  readonly events: JsonObject[] = [];
  /** `reply`, `end` or the error; `undefined` while the call runs. */
  outcome: "reply" | "end" | GatewayError | undefined = undefined;

  reply(_call: unknown, body: { readonly json: JsonObject }): void {
    this.whole = body.json;
    this.over("reply");
  }
  head(): void {}
  data(): boolean {
    throw new Error("A sink of events was given bytes.");
  }
  event(json: JsonObject): boolean {
    this.events.push(json);
    return true;
  }
  end(): void {
    this.over("end");
  }
  fail(_call: unknown, error: GatewayError): void {
    this.over(error);
  }
  private over(outcome: "reply" | "end" | GatewayError): void {
    if (this.outcome !== undefined) throw new Error("A call ended twice.");
    this.outcome = outcome;
  }
}

/** The JSON of each event of a stream, without the closing `[DONE]`. Throws when an event is no JSON. */
export function eventsOf(text: string): JsonObject[] {
  return text
    .split("\n\n")
    .filter((event) => event !== "" && event !== "data: [DONE]")
    .map((event) => JSON.parse(event.replace(/^data: /, "")) as JsonObject);
}
