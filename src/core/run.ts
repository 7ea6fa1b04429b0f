import type { Body } from "./body.ts";
import type { Adjusted, Call } from "./call.ts";
import type { Clock } from "./clock.ts";
import { asGatewayError, errors, type GatewayError, type Violation } from "./errors.ts";
import { Fan, peersOf } from "./fan.ts";
import { forbiddenCall } from "./grants.ts";
import type { Batch, Target } from "./plan.ts";
import type { Running, Sink } from "./protocol.ts";
import type { Outgoing, Part } from "./provider.ts";
import { type Attempted, Relay } from "./relay.ts";
import { Silence } from "./silence.ts";

/**
 * Runs a call by its plan and pushes the answer into the sink: permission -> before -> target -> send -> relay -> settle, with the next
 * target on a failure that the table allows, as long as nothing was sent and time is left.
 *
 * @param verify Throws what is wrong with the request; after `before`, so that a caller who is over a limit costs no more.
 */
export function run(call: Call, sink: Sink, clock: Clock, verify?: () => void): Running {
  const one = new Run(call, sink, clock, verify);
  one.begin();
  return one;
}

const NONE: readonly Target[] = [];

/** One call under way. Its exits are `whole`, `ended`, `giveUp` and `cancel`; each settles, and only one is ever taken. */
class Run implements Running, Attempted {
  private readonly call: Call;
  private readonly sink: Sink;
  private readonly clock: Clock;
  private readonly silence: Silence;
  private readonly verify: (() => void) | undefined;
  private relay: Relay | Fan | undefined = undefined;
  /** In the order in which this call tries them; set with the first attempt. */
  private targets: readonly Target[] = NONE;
  private next = 0;
  /** Something was sent to the caller: no other target may answer any more. */
  private sent = false;
  private paused = false;
  private over = false;
  /** What was told of the request before any target was tried; each target adds its own. */
  private adjusted: Adjusted | undefined = undefined;

  constructor(call: Call, sink: Sink, clock: Clock, verify: (() => void) | undefined) {
    this.verify = verify;
    this.call = call;
    this.sink = sink;
    this.clock = clock;
    this.silence = new Silence(clock, call.deadlineAt, (deadline) => this.due(deadline));
  }

  begin(): void {
    try {
      const { before, op, route } = this.call.plan;
      const { principal } = this.call.arrival;
      if (!principal.mayCall(op, route)) {
        this.giveUp(forbiddenCall(principal, op, route));
        return;
      }
      for (let i = 0; i < before.length; i++) {
        const told = before[i]!(this.call);
        if (told instanceof Promise) {
          this.silence.allow(Number.POSITIVE_INFINITY);
          void this.beginLater(told, i + 1);
          return;
        }
        if (told) {
          this.giveUp(told);
          return;
        }
      }
      this.verify?.();
    } catch (thrown) {
      this.giveUp(asGatewayError(thrown));
      return;
    }
    this.attempt();
  }

  private async beginLater(first: Promise<GatewayError | undefined>, from: number): Promise<void> {
    try {
      const { before } = this.call.plan;
      let refusal = await first;
      for (let i = from; i < before.length && !this.over && !refusal; i++) refusal = await before[i]!(this.call);
      if (refusal) throw refusal;
      if (!this.over) this.verify?.();
    } catch (thrown) {
      this.giveUp(asGatewayError(thrown));
      return;
    }
    if (!this.over) this.attempt();
  }

  private attempt(): void {
    const { call } = this;
    if (this.next === 0) {
      this.adjusted = call.adjusted;
      const { order, targets } = call.plan;
      this.targets = order === undefined ? targets : order();
    } else call.adjusted = undefined;
    if (this.adjusted) call.adjusted = copyOf(this.adjusted);
    const target = this.targets[this.next++]!;
    call.target = target;
    call.attempt = this.next;
    if (call.plan.batch !== undefined && this.fanned(call.plan.batch, target)) return;
    const relay = new Relay(call, target, this.sink, this.clock, this);
    this.relay = relay;
    this.silence.allow(call.plan.firstByteMs);
    try {
      const outgoing = target.upstream.encode(call, call.body, target.model);
      if (!(outgoing instanceof Promise)) this.send(relay, outgoing);
      else {
        const waits = () => relay.phase === "waiting";
        outgoing.then(
          (ready) => waits() && this.send(relay, ready),
          (thrown) => waits() && this.abandon(asGatewayError(thrown)),
        );
      }
    } catch (thrown) {
      this.abandon(asGatewayError(thrown));
    }
  }

  /** Sends a long request in parts. False: it is not long, or it is not cut. */
  private fanned(batch: Batch, { upstream: { batches: batching } }: Target): boolean {
    const { call, clock } = this;
    if (batching === undefined) return false;
    let parts: readonly Part[] | undefined;
    try {
      parts = batching.split(call.body, batch.maxRows);
    } catch (thrown) {
      this.abandon(asGatewayError(thrown));
      return true;
    }
    if (parts === undefined) return false;
    const peers = peersOf(this.targets.slice(this.next - 1));
    this.targets = this.targets.filter((one, at) => at < this.next || !peers.includes(one));
    this.silence.allow(Number.POSITIVE_INFINITY);
    const whole = (body: Body) => this.whole(body);
    const failed = (error: GatewayError) => this.failed(error, true);
    const start = (part: Call, sink: Sink) => run(part, sink, clock);
    const fan = new Fan({ call, peers, batching, batch, run: start, whole, failed }, parts);
    this.relay = fan;
    fan.begin();
    return true;
  }

  private send(relay: Relay, outgoing: Outgoing): void {
    const { adjusted, plan, target } = this.call;
    if (adjusted === undefined || !plan.strict) relay.send(outgoing);
    else this.abandon(errors.fieldInvalid(refusals(adjusted, target!.provider)));
  }

  heard(): void {
    this.silence.allow(this.call.plan.chunkMs);
  }

  began(): void {
    this.sent = true;
    this.call.firstByteAt = this.clock.now();
    this.call.status = 200;
    this.sink.head(this.call);
  }

  held(): void {
    this.paused = true;
    this.silence.hold(this.call.plan.chunkMs);
  }

  whole(body: Body): void {
    this.call.firstByteAt = this.clock.now();
    this.call.status = 200;
    try {
      this.sink.reply(this.call, body);
    } catch (thrown) {
      this.giveUp(asGatewayError(thrown));
      return;
    }
    this.settle();
  }

  ended(): void {
    this.sink.end(this.call);
    this.settle();
  }

  /** The attempt failed: the next target, or the end. @param told Whether the plan's accountants know. */
  failed(error: GatewayError, told = false): void {
    if (this.over) return;
    const { call } = this;
    if (!told) for (const fault of call.plan.fault) this.tell(fault, error);
    const more = this.next < this.targets.length && this.clock.now() < call.deadlineAt;
    if (more && !this.sent && error.row.nextTarget) this.attempt();
    else this.giveUp(error);
  }

  stop(error: GatewayError): void {
    this.relay?.abandon();
    this.giveUp(error);
  }

  cancel(): void {
    if (this.over) return;
    this.relay?.abandon();
    this.call.error = errors.callerGone();
    this.call.status = this.call.error.http;
    this.settle();
  }

  resume(): void {
    if (!this.paused || this.over) return;
    this.paused = false;
    this.silence.release();
    this.heard();
    this.relay?.release();
  }

  private abandon(error: GatewayError): void {
    this.relay?.abandon();
    this.failed(error);
  }

  private giveUp(error: GatewayError): void {
    if (this.over) return;
    this.call.error = error;
    this.call.status = this.sent ? 200 : error.http;
    this.sink.fail(this.call, error);
    this.settle();
  }

  private settle(): void {
    this.over = true;
    this.silence.stop();
    for (const settle of this.call.plan.settle) this.tell(settle, undefined);
  }

  /** Nobody is above a timer or a socket's event: what an accountant throws there would end the process, and not its call. */
  private tell<About>(step: (call: Call, about: About) => void, about: About): void {
    try {
      step(this.call, about);
    } catch (thrown) {
      this.call.error ??= asGatewayError(thrown);
    }
  }

  private due(deadline: boolean): void {
    if (deadline) {
      const whose = this.call.callerDeadline ? "The caller's deadline" : "The route's time limit";
      const limit = this.call.callerDeadline ? "caller" : "total";
      this.abandon(errors.deadline(`${whose} passed before the answer was complete.`, limit));
    } else if (this.relay?.phase === "waiting") {
      this.abandon(errors.deadline("The provider did not begin to answer in time.", "first_byte"));
    } else this.abandon(errors.deadline("The provider fell silent in the middle of its answer.", "chunk"));
  }
}

function copyOf({ dropped, converted, defaulted }: Adjusted): Adjusted {
  return { dropped: [...dropped], converted: [...converted], defaulted: [...defaulted] };
}

/** What a strict route says of a request that would be adjusted. */
function refusals(adjusted: Adjusted, provider: string): [Violation, ...Violation[]] {
  const say = (how: keyof Adjusted, what: string) =>
    adjusted[how].map((field) => ({ field, description: `${what}, and the route is strict` }));
  return [
    ...say("dropped", `has no place in a request to ${provider}; leave it out`),
    ...say("converted", `would be changed for ${provider}; give a value that it takes`),
    ...say("defaulted", `is demanded by ${provider}; give one`),
  ] as [Violation, ...Violation[]];
}
