import { Body } from "./body.ts";
import { Call } from "./call.ts";
import { asGatewayError, errors, type GatewayError } from "./errors.ts";
import type { JsonObject } from "./json.ts";
import type { Batch, Plan, Target } from "./plan.ts";
import type { Running, Sink } from "./protocol.ts";
import type { Batching, Part } from "./provider.ts";

/** What the parts of a call work with. */
export interface Fanning {
  readonly call: Call;
  /** Instances of one model; the parts are spread over them. */
  readonly peers: readonly Target[];
  readonly batching: Batching;
  readonly batch: Batch;
  /** Runs the call of one part. */
  readonly run: (call: Call, sink: Sink) => Running;
  readonly whole: (body: Body) => void;
  /** Every failure was told to the plan's `fault` steps. */
  readonly failed: (error: GatewayError) => void;
}

/**
 * One attempt of a call in parts, several at a time. A part that fails is tried once on another instance, if the error's row allows
 * it and there is one; then the whole fails, and what is under way of it ends.
 */
export class Fan {
  /** No silence is watched here: each part has its own limits. */
  readonly phase = "whole";
  private readonly fanning: Fanning;
  private readonly parts: readonly Part[];
  private readonly plan: Plan;
  private readonly replies: Body[] = [];
  private readonly under = new Map<number, Running>();
  private next = 0;
  private done = 0;
  private size = 0;
  private over = false;

  constructor(fanning: Fanning, parts: readonly Part[]) {
    const { call } = fanning;
    this.fanning = fanning;
    this.parts = parts;
    const fault = (part: Call, error: GatewayError) => {
      call.target = part.target;
      for (const tell of call.plan.fault) tell(call, error);
    };
    const alone = { order: undefined, batch: undefined, before: [], reply: [], chunk: [], settle: [], fault: [fault] };
    this.plan = { ...call.plan, ...alone };
  }

  begin(): void {
    while (!this.over && this.next < this.parts.length && this.under.size < this.fanning.batch.maxParallel) {
      this.one(this.next++);
    }
  }

  abandon(): void {
    this.over = true;
    for (const running of this.under.values()) running.cancel();
    this.under.clear();
  }

  /** Nothing is pushed that could wait. */
  release(): void {}

  private one(at: number): void {
    const { call, peers, run } = this.fanning;
    const first = at % peers.length;
    // Its own instance, and the next one for when that fails.
    const targets = [...peers.slice(first), ...peers.slice(0, first)].slice(0, 2);
    const { body, firstRow } = this.parts[at]!;
    const part = new Call(call.arrival, { ...this.plan, targets }, body, false);
    part.firstRow = firstRow;
    let ended = false;
    const sink: Sink = {
      raw: true,
      reply: (_, answer) => {
        ended = true;
        this.under.delete(at);
        this.answered(at, answer);
      },
      fail: (_, error) => {
        ended = true;
        this.under.delete(at);
        this.fail(error);
      },
      head() {},
      data: () => true,
      event: () => true,
      end() {},
    };
    const running = run(part, sink);
    if (!ended) this.under.set(at, running);
  }

  private answered(at: number, answer: Body): void {
    if (this.over) return;
    const { call, batching, whole } = this.fanning;
    const { maxReplyBytes } = call.plan;
    this.replies[at] = answer;
    this.size += answer.bytes.length;
    if (this.size > maxReplyBytes) {
      this.fail(errors.upstreamFailed(`The answers to the parts are over ${maxReplyBytes} bytes together.`));
      return;
    }
    if (++this.done < this.parts.length) {
      this.begin();
      return;
    }
    this.over = true;
    try {
      const joined = batching.join(this.replies, this.parts);
      const { reply } = call.plan;
      if (reply.length === 0) whole(joined);
      else whole(Body.ofJson(reply.reduce((json, step) => step(call, json), joined.json as JsonObject)));
    } catch (thrown) {
      this.fanning.failed(asGatewayError(thrown));
    }
  }

  private fail(error: GatewayError): void {
    if (this.over) return;
    this.abandon();
    this.fanning.failed(error);
  }
}

/** The targets that are the same model as the first, it among them. */
export function peersOf(targets: readonly Target[]): readonly Target[] {
  const [first] = targets;
  return targets.filter(({ provider, model }) => provider === first?.provider && model === first.model);
}
