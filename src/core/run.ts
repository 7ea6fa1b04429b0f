import { checkedReply, hasFinish, isErrorEvent, isEventStream } from "./answer.ts";
import type { Call } from "./call.ts";
import type { Clock, Timer } from "./clock.ts";
import { asGatewayError, errors, type GatewayError } from "./errors.ts";
import type { JsonObject } from "./json.ts";
import type { Running, Sink } from "./protocol.ts";
import type { Breakage, Controls, Outgoing, Receiver, ReplyHeaders } from "./provider.ts";
import { Silence } from "./silence.ts";
import { type StreamListener, StreamReader } from "./sse.ts";

/** Most of a provider's error body that is read, bytes. */
const MAX_FAULT_BYTES = 64 * 1024;
/** How long a provider may take to end its body after `[DONE]`. */
const LINGER_MS = 1000;

type Phase = "preparing" | "waiting" | "whole" | "streaming" | "refused" | "over";

/**
 * Runs a call by its plan and pushes the answer into the sink: before -> target -> send -> relay -> settle, with the next
 * target on a failure that the table allows, as long as nothing was sent and time is left.
 */
export function run(call: Call, sink: Sink, clock: Clock): Running {
  const one = new Run(call, sink, clock);
  one.begin();
  return one;
}

/** One call under way. Its exits are `replied`, `ended`, `tell` and `cancel`; each settles, and only one is ever taken. */
class Run implements Running, Receiver, StreamListener {
  private readonly call: Call;
  private readonly sink: Sink;
  private readonly clock: Clock;
  private readonly silence: Silence;
  private phase: Phase = "preparing";
  private next = 0;
  /** Something was sent to the caller: no other target may answer any more. */
  private began = false;
  private finished = false;
  private paused = false;
  private controls: Controls | undefined = undefined;
  private reader: StreamReader | undefined = undefined;
  private linger: Timer | undefined = undefined;
  private status = 0;
  private headers: ReplyHeaders = {};
  private chunks: Buffer[] = [];
  private size = 0;

  constructor(call: Call, sink: Sink, clock: Clock) {
    this.call = call;
    this.sink = sink;
    this.clock = clock;
    this.silence = new Silence(clock, call.deadlineAt, (deadline) => this.due(deadline));
  }

  begin(): void {
    try {
      const { before } = this.call.plan;
      for (let i = 0; i < before.length; i++) {
        const wait = before[i]!(this.call);
        if (wait instanceof Promise) {
          this.silence.allow(Number.POSITIVE_INFINITY);
          void this.beginLater(wait, i + 1);
          return;
        }
      }
    } catch (thrown) {
      this.giveUp(asGatewayError(thrown));
      return;
    }
    this.attempt();
  }

  private async beginLater(first: Promise<void>, from: number): Promise<void> {
    try {
      await first;
      const { before } = this.call.plan;
      for (let i = from; i < before.length && !this.isOver(); i++) await before[i]!(this.call);
    } catch (thrown) {
      this.giveUp(asGatewayError(thrown));
      return;
    }
    if (!this.isOver()) this.attempt();
  }

  private attempt(): void {
    const { call } = this;
    const target = call.plan.targets[this.next++]!;
    call.target = target;
    call.attempt = this.next;
    this.phase = "waiting";
    this.chunks = [];
    this.size = 0;
    this.reader = undefined;
    this.controls = undefined;
    this.finished = false;
    this.silence.allow(call.plan.firstByteMs);
    try {
      const outgoing = target.upstream.encode(call, call.body, target.model);
      if (!(outgoing instanceof Promise)) this.send(outgoing);
      else {
        const mine = this.next;
        const current = () => this.phase === "waiting" && this.next === mine;
        outgoing.then(
          (ready) => current() && this.send(ready),
          (thrown) => current() && this.failed(asGatewayError(thrown)),
        );
      }
    } catch (thrown) {
      this.failed(asGatewayError(thrown));
    }
  }

  private send(outgoing: Outgoing): void {
    this.controls = this.call.target!.exchange(outgoing, this);
  }

  onHead(status: number, headers: ReplyHeaders): void {
    if (this.phase !== "waiting") return;
    this.status = status;
    this.headers = headers;
    this.heard();
    if (status < 200 || status > 299) this.phase = "refused";
    else if (!this.call.stream) this.phase = "whole";
    else if (isEventStream(headers)) {
      this.phase = "streaming";
      this.reader = new StreamReader(this);
    } else this.phase = "refused";
  }

  onData(chunk: Buffer): void {
    if (this.phase === "streaming") {
      this.reader!.push(chunk);
      return;
    }
    if (this.phase !== "whole" && this.phase !== "refused") return;
    this.heard();
    this.size += chunk.length;
    if (this.phase === "whole" && this.size > this.call.plan.maxReplyBytes) {
      this.failed(errors.upstreamFailed(`The provider's answer is over ${this.call.plan.maxReplyBytes} bytes.`));
      return;
    }
    this.chunks.push(chunk);
    if (this.phase === "refused" && this.size >= MAX_FAULT_BYTES) this.refused();
  }

  onEnd(framed: boolean): void {
    switch (this.phase) {
      case "whole":
        this.replied();
        return;
      case "refused":
        this.refused();
        return;
      case "streaming": {
        const cut = this.reader!.finish();
        if (this.isOver()) {
          this.drained();
          return;
        }
        // Some servers leave `[DONE]` out. A finish reason and a framed end say as much; a bare close does not.
        if (!cut && framed && this.finished) this.ended();
        else this.failed(errors.upstreamFailed("The provider's stream ended before it was complete."));
        return;
      }
      case "waiting":
        this.failed(errors.upstreamFailed("The provider closed the connection without an answer."));
        return;
      default:
        this.drained();
    }
  }

  onBreak(why: Breakage, cause: unknown): void {
    if (this.isOver()) {
      this.drained();
      return;
    }
    const { provider } = this.call.target!;
    if (why === "connect") this.failed(errors.unreachable(provider, cause));
    else if (why === "connect_timeout") {
      this.failed(errors.deadline(`Connecting to the provider ${provider} took too long.`, "connect", cause));
    } else if (this.phase === "refused") this.refused();
    else this.failed(errors.upstreamFailed("The provider's answer broke off before it was complete.", cause));
  }

  onEvent(json: JsonObject): void {
    if (this.phase !== "streaming") return;
    const { call, sink } = this;
    const { upstream } = call.target!;
    if (isErrorEvent(json)) {
      this.failed(upstream.fault(this.status, this.headers, Buffer.from(JSON.stringify(json))));
      return;
    }
    this.heard();
    if (hasFinish(json)) this.finished = true;
    if (json["usage"]) call.usage = upstream.usage(json) ?? call.usage;
    if (!this.began) {
      this.began = true;
      call.firstByteAt = this.clock.now();
      call.status = 200;
      sink.head(call);
    }
    const { chunk } = call.plan;
    if (sink.raw && chunk.length === 0) return;
    try {
      let event: JsonObject | undefined = json;
      for (let i = 0; i < chunk.length && event; i++) event = chunk[i]!(call, event);
      if (event && !sink.event(event)) this.pause();
    } catch (thrown) {
      this.failed(asGatewayError(thrown));
    }
  }

  onWhole(events: Buffer): void {
    // Comments before the first event are not passed on: nothing may be sent while another target could still answer.
    if (this.phase !== "streaming" || !this.began || !this.sink.raw || this.call.plan.chunk.length > 0) return;
    if (!this.sink.data(events)) this.pause();
  }

  onDone(): void {
    if (this.phase !== "streaming") return;
    if (!this.began) {
      this.failed(errors.upstreamFailed("The provider's stream ended without one event."));
      return;
    }
    this.ended();
    // The connection goes back to its pool when the body ends, at once as a rule; one that does not end is closed.
    this.controls?.resume();
    this.linger = this.clock.after(LINGER_MS, () => this.controls?.abort());
  }

  onBad(why: string): void {
    if (this.phase === "streaming") this.failed(errors.upstreamFailed(`The provider's stream is broken: ${why}.`));
  }

  private drained(): void {
    if (this.linger !== undefined) this.clock.cancel(this.linger);
    this.linger = undefined;
  }

  private ended(): void {
    this.over();
    this.sink.end(this.call);
    this.settle();
  }

  private replied(): void {
    const { call, sink } = this;
    const bytes = this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks);
    try {
      const body = checkedReply(call, bytes, this.status, this.headers, !sink.raw);
      call.firstByteAt = this.clock.now();
      call.status = 200;
      sink.reply(call, body);
    } catch (thrown) {
      this.failed(asGatewayError(thrown));
      return;
    }
    this.over();
    this.settle();
  }

  private refused(): void {
    const bytes = Buffer.concat(this.chunks).subarray(0, MAX_FAULT_BYTES);
    if (this.status >= 200 && this.status <= 299 && !bytes.includes('"error"')) {
      this.failed(errors.upstreamFailed("The provider answered with a whole reply where a stream was asked for."));
    } else this.failed(this.call.target!.upstream.fault(this.status, this.headers, bytes));
  }

  /** This attempt failed: the next target, or the end. */
  private failed(error: GatewayError): void {
    if (this.isOver()) return;
    const { call } = this;
    this.controls?.abort();
    this.reader?.stop();
    for (const fault of call.plan.fault) fault(call, error);
    const more = this.next < call.plan.targets.length && this.clock.now() < call.deadlineAt;
    if (more && !this.began && error.row.nextTarget) this.attempt();
    else this.giveUp(error);
  }

  private giveUp(error: GatewayError): void {
    if (this.isOver()) return;
    this.over();
    this.call.error = error;
    this.call.status = this.began ? 200 : error.http;
    this.sink.fail(this.call, error);
    this.settle();
  }

  stop(error: GatewayError): void {
    this.controls?.abort();
    this.giveUp(error);
  }

  cancel(): void {
    if (this.isOver()) return;
    this.over();
    this.controls?.abort();
    this.call.error = errors.callerGone();
    this.call.status = this.call.error.http;
    this.settle();
  }

  resume(): void {
    if (!this.paused || this.isOver()) return;
    this.paused = false;
    this.silence.release();
    this.heard();
    this.controls?.resume();
  }

  private pause(): void {
    this.paused = true;
    this.silence.hold(this.call.plan.chunkMs);
    this.controls?.pause();
  }

  private heard(): void {
    this.silence.allow(this.call.plan.chunkMs);
  }

  private isOver(): boolean {
    return this.phase === "over";
  }

  private over(): void {
    this.phase = "over";
    this.reader?.stop();
    this.silence.stop();
  }

  private settle(): void {
    for (const settle of this.call.plan.settle) settle(this.call);
  }

  private due(deadline: boolean): void {
    if (deadline) {
      const caller = this.call.callerDeadline;
      const whose = caller ? "The caller's deadline" : "The route's time limit";
      this.failed(errors.deadline(`${whose} passed before the answer was complete.`, caller ? "caller" : "total"));
    } else if (this.phase === "waiting") {
      this.failed(errors.deadline("The provider did not begin to answer in time.", "first_byte"));
    } else this.failed(errors.deadline("The provider fell silent in the middle of its answer.", "chunk"));
  }
}
