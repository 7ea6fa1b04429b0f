import { checkedReply, hasFinish, isErrorEvent, isStream, isUsageAlone } from "./answer.ts";
import type { Body } from "./body.ts";
import type { Call } from "./call.ts";
import type { Clock, Timer } from "./clock.ts";
import { asGatewayError, errors, GatewayError } from "./errors.ts";
import { isObject, type JsonObject } from "./json.ts";
import type { Target } from "./plan.ts";
import type { Sink } from "./protocol.ts";
import type { Breakage, Controls, Outgoing, Reading, Receiver, ReplyHeaders, StreamDecoder } from "./provider.ts";
import { type StreamListener, StreamReader } from "./sse.ts";

/** Most of a provider's error body that is read, bytes. */
const MAX_FAULT_BYTES = 64 * 1024;
/** How long a provider may take to end its body after `[DONE]`. */
const LINGER_MS = 1000;

/** What one attempt tells the call that it belongs to. After `whole`, `ended` or `failed` it tells nothing more. */
export interface Attempted {
  /** The provider made a sound. */
  heard(): void;
  /** The first event of a stream is here: from now on no other target may answer. */
  began(): void;
  /** The caller does not read fast enough; `Relay.hold` was called. */
  held(): void;
  whole(body: Body): void;
  ended(): void;
  failed(error: GatewayError): void;
}

type Phase = "waiting" | "whole" | "streaming" | "refused" | "over";

/** One attempt: takes a target's answer as it is pushed, judges it, and passes what is good on to the sink. */
export class Relay implements Receiver, StreamListener {
  phase: Phase = "waiting";
  private readonly call: Call;
  private readonly target: Target;
  private readonly sink: Sink;
  private readonly clock: Clock;
  private readonly on: Attempted;
  private controls: Controls | undefined = undefined;
  /** How the target is read when it does not answer in the common shape. */
  private readonly reading: Reading | undefined;
  private reader: StreamDecoder | undefined = undefined;
  private linger: Timer | undefined = undefined;
  private begun = false;
  private finished = false;
  private status = 0;
  /** The answer is whole, whatever it is. */
  private framed = false;
  private headers: ReplyHeaders = {};
  private readonly chunks: Buffer[] = [];
  private size = 0;

  constructor(call: Call, target: Target, sink: Sink, clock: Clock, on: Attempted) {
    this.call = call;
    this.target = target;
    this.reading = target.upstream.reads?.[call.plan.op];
    this.sink = sink;
    this.clock = clock;
    this.on = on;
  }

  send(outgoing: Outgoing): void {
    this.controls = this.target.exchange(outgoing, this);
  }

  /** Ends the attempt: its connection is closed, and nothing is told any more. */
  abandon(): void {
    if (this.isOver()) return;
    this.over();
    this.controls?.abort();
  }

  hold(): void {
    this.controls?.pause();
  }

  release(): void {
    this.controls?.resume();
  }

  onHead(status: number, headers: ReplyHeaders): void {
    if (this.phase !== "waiting") return;
    this.status = status;
    this.headers = headers;
    this.on.heard();
    if (status < 200 || status > 299) this.phase = "refused";
    else if (!this.call.stream) this.phase = "whole";
    else if (isStream(headers, this.reading?.streamType)) {
      this.phase = "streaming";
      this.reader = this.reading?.stream?.(this.call, this, headers) ?? new StreamReader(this);
    } else this.phase = "refused";
  }

  onData(chunk: Buffer): void {
    if (this.phase === "streaming") {
      if (this.reading === undefined) this.reader!.push(chunk);
      else this.decode(chunk);
      return;
    }
    if (this.phase !== "whole" && this.phase !== "refused") return;
    this.on.heard();
    this.size += chunk.length;
    const { maxReplyBytes } = this.call.plan;
    if (this.phase === "whole" && this.size > maxReplyBytes) {
      this.fail(errors.upstreamFailed(`The provider's answer is over ${maxReplyBytes} bytes.`));
      return;
    }
    this.chunks.push(chunk);
    if (this.phase === "refused" && this.size >= MAX_FAULT_BYTES) this.refused();
  }

  onEnd(framed: boolean): void {
    if (this.phase === "whole") this.replied();
    else if (this.phase === "refused") this.refused();
    else if (this.phase === "streaming") this.streamClosed(framed);
    else if (this.phase === "waiting") {
      this.fail(errors.upstreamFailed("The provider closed the connection without an answer."));
    }
    this.drained();
  }

  onBreak(why: Breakage, cause: unknown): void {
    this.drained();
    if (this.isOver()) return;
    const { provider } = this.target;
    if (why === "connect") this.fail(errors.unreachable(provider, cause));
    else if (why === "connect_timeout") {
      this.fail(errors.deadline(`Connecting to the provider ${provider} took too long.`, "connect", cause));
    } else if (this.phase === "refused") this.refused();
    else
      this.fail(this.unread(errors.upstreamFailed("The provider's answer broke off before it was complete.", cause)));
  }

  onEvent(json: JsonObject): void {
    if (this.phase !== "streaming") return;
    const { call, sink } = this;
    const { upstream } = this.target;
    if (isErrorEvent(json)) {
      this.fail(upstream.fault(this.status, this.headers, Buffer.from(JSON.stringify(json))));
      return;
    }
    this.on.heard();
    if (hasFinish(json)) this.finished = true;
    if (json["usage"]) call.usage = upstream.usage(json) ?? call.usage;
    if (!this.begun) {
      this.begun = true;
      this.on.began();
    }
    const { chunk } = call.plan;
    if (this.reading === undefined) {
      if (sink.raw && chunk.length === 0) return;
    } else if (!this.usageWanted && isUsageAlone(json)) return;
    try {
      let event: JsonObject | undefined = json;
      for (let i = 0; i < chunk.length && event; i++) event = chunk[i]!(call, event);
      if (event && !sink.event(event)) this.full();
    } catch (thrown) {
      this.fail(asGatewayError(thrown));
    }
  }

  onAlike(): boolean {
    if (this.phase !== "streaming" || !this.begun || !this.sink.raw || this.call.plan.chunk.length > 0) return false;
    this.on.heard();
    return true;
  }

  onWhole(events: Buffer): void {
    // Comments before the first event are not passed on: nothing may be sent while another target could still answer.
    if (this.phase !== "streaming" || !this.begun || !this.sink.raw || this.call.plan.chunk.length > 0) return;
    if (this.reading !== undefined) return;
    if (!this.sink.data(events)) this.full();
  }

  onDone(): void {
    if (this.phase !== "streaming") return;
    if (!this.begun) {
      this.fail(errors.upstreamFailed("The provider's stream ended without one event."));
      return;
    }
    this.over();
    this.on.ended();
    // The connection goes back to its pool when the body ends, at once as a rule; one that does not end is closed.
    this.controls?.resume();
    this.linger = this.clock.after(LINGER_MS, () => this.controls?.abort());
  }

  onBad(why: string): void {
    if (this.phase === "streaming") this.fail(errors.upstreamFailed(`The provider's stream is broken: ${why}.`));
  }

  onFault(error: GatewayError): void {
    if (this.phase === "streaming") this.fail(error);
  }

  onAlive(): void {
    if (this.phase !== "streaming") return;
    this.on.heard();
    if (this.begun) this.sink.alive?.();
  }

  /** A reader of a provider's own words may refuse what it reads. */
  private decode(chunk: Buffer | undefined): boolean {
    try {
      if (chunk === undefined) return this.reader!.finish();
      this.reader!.push(chunk);
    } catch (thrown) {
      if (!this.isOver()) this.fail(asGatewayError(thrown));
    }
    return false;
  }

  /** OpenAI's callers get an event without choices, the usage alone, when they ask for it; who did not would trip over it. */
  private get usageWanted(): boolean {
    const options = this.call.body.peek("stream_options");
    return isObject(options) && options["include_usage"] === true;
  }

  private streamClosed(framed: boolean): void {
    const cut = this.reading === undefined ? this.reader!.finish() : this.decode(undefined);
    if (this.isOver()) return;
    // Some servers leave `[DONE]` out. A finish reason and a framed end say as much; a bare close does not.
    if (!cut && framed && this.finished) {
      this.over();
      this.on.ended();
    } else this.fail(errors.upstreamFailed("The provider's stream ended before it was complete."));
  }

  private replied(): void {
    this.framed = true;
    const bytes = this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks);
    let body: Body;
    try {
      // What steps or a translation make of it are other bytes.
      const asIs = this.call.plan.reply.length === 0 && this.target.upstream.reads?.[this.call.plan.op] === undefined;
      const members = asIs && !this.sink.raw ? this.sink.takes?.(bytes, this.call) : undefined;
      const parsed = !this.sink.raw && members === undefined;
      body = checkedReply(this.call, bytes, this.status, this.headers, parsed, members);
    } catch (thrown) {
      this.fail(this.unread(asGatewayError(thrown)));
      return;
    }
    this.over();
    this.on.whole(body);
  }

  private refused(): void {
    const bytes = Buffer.concat(this.chunks).subarray(0, MAX_FAULT_BYTES);
    if (this.status >= 200 && this.status <= 299 && !bytes.includes('"error"')) {
      this.fail(errors.upstreamFailed("The provider answered with a whole reply where a stream was asked for."));
    } else this.fail(this.target.upstream.fault(this.status, this.headers, bytes));
  }

  /** Of an answer that cannot be read it is told as what it came. */
  private unread(error: GatewayError): GatewayError {
    if (this.status === 0 || error.fault.said !== undefined) return error;
    const type = this.headers["content-type"];
    const text = this.framed ? Buffer.concat(this.chunks).toString("utf8", 0, MAX_FAULT_BYTES) : "";
    const said = { type: typeof type === "string" ? type : undefined, text };
    return new GatewayError(error.message, { ...error.fault, said }, error.cause);
  }

  private fail(error: GatewayError): void {
    this.abandon();
    this.on.failed(error);
  }

  private full(): void {
    this.hold();
    this.on.held();
  }

  private over(): void {
    this.phase = "over";
    this.reader?.stop();
  }

  private isOver(): boolean {
    return this.phase === "over";
  }

  private drained(): void {
    if (this.linger !== undefined) this.clock.cancel(this.linger);
    this.linger = undefined;
  }
}
