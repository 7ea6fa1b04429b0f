import { monitorEventLoopDelay } from "node:perf_hooks";
import { isMainThread } from "node:worker_threads";
import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { Call } from "../core/call.ts";
import type { GatewayError } from "../core/errors.ts";
import type { Plan, Target } from "../core/plan.ts";
import { type Outcome, Outcomes } from "./outcomes.ts";
import { type Count, type Spread, Spreads, Tally } from "./series.ts";

/** Bounds in seconds, those that OpenTelemetry advises for `gen_ai.server.request.duration` ... */
const DURATION = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
/** ... and for `gen_ai.server.time_to_first_token`. */
const FIRST_TOKEN = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const TARGET = ["operation", "route", "provider", "model"] as const;

/** Counts what the gateway does, in one registry of its own. */
export interface Metrics {
  began(): void;
  /** An exchange is over. `call`: what it became, if it came so far; times in milliseconds. */
  ended(outcome: Outcome, call: Call | undefined, durationMs: number): void;
  /** A provider failed an attempt. */
  fault(call: Call, error: GatewayError): void;
  /** A config was loaded, or was not: `generation` is the one in force. */
  loaded(ok: boolean, generation: number): void;
  /** The revision of the routes that calls run on. */
  revision(number: number): void;
  /** The page that Prometheus reads, of this process. */
  text(): Promise<string>;
  readonly contentType: string;
  /** Everything as data that can be sent to another process; `mergeSnapshots` makes one page of several. */
  readonly snapshot: () => Promise<Snapshot>;
}

/** All series of one process, as prom-client has them in JSON. */
export type Snapshot = readonly object[];

/** What is counted apart from the gateway's own metrics. */
export interface MetricsOptions {
  /** Memory, CPU, event loop and garbage collection of the process. Default true. */
  readonly process?: boolean;
  /** Most series of one metric; default `MAX_SERIES`. */
  readonly maxSeries?: number;
  /** Lines that the log lost so far. */
  readonly droppedLines?: () => number;
}

/**
 * The gateway's metrics, in a registry of their own. Labels are names of the config or of closed sets, never a caller's text.
 * A call costs about one microsecond.
 */
export function createMetrics({ process = true, maxSeries, droppedLines }: MetricsOptions = {}): Metrics {
  const registry = new Registry();
  if (process) watchProcess(registry);
  const series = new AllSeries(registry, maxSeries);
  const registers = [registry];
  let inFlight = 0;
  new Gauge({
    name: "polygate_requests_in_flight",
    help: "HTTP exchanges that have begun and not ended.",
    registers,
    collect() {
      this.set(inFlight);
    },
  });
  const generation = new Gauge({
    name: "polygate_config_generation",
    help: "Which load of the config is in force, from 1.",
    registers,
    aggregator: "max",
  });
  const revision = new Gauge({
    name: "polygate_revision",
    help: "Which revision of the routes calls run on, a staged one left out.",
    registers,
    aggregator: "max",
  });
  const reloads = new Counter({
    name: "polygate_config_reloads_total",
    help: "Reloads of the config, the failed ones included.",
    registers,
  });
  const failures = new Counter({
    name: "polygate_config_reload_failures_total",
    help: "Reloads that found problems, so that the config before stayed.",
    registers,
  });
  if (droppedLines) {
    new Gauge({
      name: "polygate_log_lines_dropped",
      help: "Log lines lost because nobody read them.",
      registers,
      collect() {
        this.set(droppedLines());
      },
    });
  }
  return {
    began() {
      inFlight++;
    },
    ended(outcome, call, durationMs) {
      inFlight--;
      series.ended(outcome, call, durationMs);
    },
    fault: (call, error) => series.fault(call, error),
    loaded(ok, number) {
      generation.set(number);
      // The first load is the start, not a reload.
      if (ok && number === 1) return;
      reloads.inc();
      if (!ok) failures.inc();
    },
    revision: (number) => revision.set(number),
    text: () => registry.metrics(),
    contentType: registry.contentType,
    snapshot: () => registry.getMetricsAsJSON(),
  };
}

/** What the process and its event loops do. Figures of the whole process are told by its main thread alone. */
function watchProcess(registry: Registry): void {
  if (isMainThread) collectDefaultMetrics({ register: registry });
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  new Gauge({
    name: "polygate_event_loop_delay_seconds",
    help: "How late timers fire, 99th percentile since the last reading; of several threads the worst.",
    registers: [registry],
    aggregator: "max",
    collect() {
      this.set((delay.percentile(99) || 0) / 1e9);
      delay.reset();
    },
  });
}

/** One page of the snapshots of several processes or threads. */
export function mergeSnapshots(all: readonly Snapshot[]): Promise<string> {
  return AggregatorRegistry.aggregate(all as object[][]).metrics();
}

/** The series that calls count into, found once for each target. */
class AllSeries {
  private readonly requests: Tally;
  private readonly durations: Spreads;
  private readonly firstTokens: Spreads;
  private readonly tokens: Tally;
  private readonly faults: Tally;
  /** By target, or by plan for a call that ended before it had one. Gone with the config that it belongs to. */
  private readonly byTarget = new WeakMap<Target | Plan, TargetSeries>();
  /** Of what never became a call. */
  private readonly strays = new Outcomes();

  constructor(registry: Registry, max: number | undefined) {
    this.requests = new Tally(
      {
        name: "polygate_requests_total",
        help: "HTTP exchanges that are over, by their outcome.",
        labels: ["protocol", ...TARGET, "status", "reason"],
      },
      registry,
      max,
    );
    this.durations = new Spreads(
      {
        name: "polygate_request_duration_seconds",
        help: "From a call's arrival to the end of its answer.",
        labels: TARGET,
      },
      DURATION,
      registry,
      max,
    );
    this.firstTokens = new Spreads(
      {
        name: "polygate_time_to_first_token_seconds",
        help: "From a streamed call's arrival to the first event of its answer.",
        labels: TARGET,
      },
      FIRST_TOKEN,
      registry,
      max,
    );
    this.tokens = new Tally(
      {
        name: "polygate_tokens_total",
        help: "Tokens as the providers counted them; cached ones are part of input, reasoning of output.",
        labels: ["type", ...TARGET],
      },
      registry,
      max,
    );
    this.faults = new Tally(
      {
        name: "polygate_upstream_faults_total",
        help: "Attempts that a provider failed, those after which another target answered included.",
        labels: ["provider", "route", "reason"],
      },
      registry,
      max,
    );
  }

  ended(outcome: Outcome, call: Call | undefined, durationMs: number): void {
    if (call === undefined) {
      this.stray(outcome).value++;
      return;
    }
    const own = this.of(call);
    this.outcome(own, outcome).value++;
    own.duration.observe(durationMs / 1000);
    if (call.stream && call.firstByteAt > 0) {
      own.firstToken ??= this.firstTokens.row(own.labels);
      own.firstToken.observe((call.firstByteAt - call.arrival.started) / 1000);
    }
    const { usage } = call;
    if (usage === undefined) return;
    this.count(own, "input", usage.promptTokens);
    this.count(own, "output", usage.completionTokens);
    this.count(own, "cached", usage.cachedTokens);
    this.count(own, "reasoning", usage.reasoningTokens);
  }

  fault({ target, plan }: Call, { fault }: GatewayError): void {
    const { reason, limit } = fault;
    // A caller's own deadline, or a refusal of ours on the way, says nothing about the provider.
    const theirs = reason.startsWith("UPSTREAM_") || (reason === "DEADLINE_PASSED" && limit !== "caller");
    if (theirs && target) this.faults.row([target.provider, plan.route, reason]).value++;
  }

  private of({ target, plan }: Call): TargetSeries {
    const key = target ?? plan;
    let own = this.byTarget.get(key);
    if (own === undefined) {
      const labels = [plan.op, plan.route, target?.provider ?? "", target?.model ?? ""];
      own = new TargetSeries(labels, this.durations.row(labels));
      this.byTarget.set(key, own);
    }
    return own;
  }

  private outcome(own: TargetSeries, outcome: Outcome): Count {
    return own.outcomes.find(outcome) ?? own.outcomes.add(outcome, this.outcomeOf(own.labels, outcome));
  }

  private stray(outcome: Outcome): Count {
    return this.strays.find(outcome) ?? this.strays.add(outcome, this.outcomeOf(NO_LABELS, outcome));
  }

  private outcomeOf(labels: readonly string[], { protocol, status, reason }: Outcome): Count {
    return this.requests.row([protocol, ...labels, String(status), reason]);
  }

  private count(own: TargetSeries, type: TokenType, tokens: number | undefined): void {
    if (tokens === undefined) return;
    own.tokens[type] ??= this.tokens.row([type, ...own.labels]);
    own.tokens[type].value += tokens;
  }
}

const NO_LABELS = ["", "", "", ""];

type TokenType = "input" | "output" | "cached" | "reasoning";

/** What one target's calls are counted into. */
class TargetSeries {
  readonly labels: readonly string[];
  readonly duration: Spread;
  firstToken: Spread | undefined = undefined;
  readonly outcomes = new Outcomes();
  readonly tokens: Record<TokenType, Count | undefined> = {
    input: undefined,
    output: undefined,
    cached: undefined,
    reasoning: undefined,
  };

  constructor(labels: readonly string[], duration: Spread) {
    this.labels = labels;
    this.duration = duration;
  }
}
