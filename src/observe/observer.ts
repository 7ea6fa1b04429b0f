import type { Call } from "../core/call.ts";
import { errors, type GatewayError } from "../core/errors.ts";
import type { Hooks } from "../core/policy.ts";
import type { Seen } from "../core/protocol.ts";
import { accessLine } from "./line.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { Outcome } from "./outcomes.ts";

/** Most failed attempts that one line tells of, and most problems of one config. */
const MOST_RETRIED = 4;
const MOST_PROBLEMS = 50;
const PROBLEM_LENGTH = 1000;
/** What monitoring asks for every few seconds; a line each would bury the rest. */
const PROBES: ReadonlySet<string> = new Set([
  "/livez",
  "/readyz",
  "/metrics",
  "/health",
  "/grpc.health.v1.Health/Check",
]);

/** The one place that writes the access line and the metrics. Its functions never throw and need no `this`. */
export interface Observer {
  /** The head of a request is complete. */
  began(inbound: Seen): void;
  /** The exchange is over, however it ended; once for each that began. */
  finished(inbound: Seen): void;
  /** To be put around every route. */
  readonly hooks: Hooks;
  /** A config was read. `generation`: the one in force now; `problems`: a line each, none when all is well; `warnings` too. */
  readonly reloaded: (
    ok: boolean,
    generation: number,
    problems: readonly string[],
    warnings?: readonly string[],
  ) => void;
  /** Tells what a look at MLflow's registry came to, as lines. */
  readonly followed: (looked: Followed) => void;
  /** Tells what a model server does that was started here, or a line that it wrote. `server`: its model and version. */
  readonly served: (server: string, what: { readonly event: string } | { readonly line: string }) => void;
}

/** What a look at MLflow's registry came to, as lines. */
export interface Followed {
  /** What is another now than before. */
  readonly moved: readonly string[];
  readonly problems: readonly string[];
  /** What is well again. */
  readonly mended: readonly string[];
}

/** What an observer writes to. */
export interface ObserverParts {
  readonly log: Log;
  readonly metrics: Metrics;
  /** Milliseconds on the clock of `Seen.started`. Default: `performance.now`. */
  readonly now?: () => number;
}

/** Watches every exchange of a port, whatever its protocol. */
export function createObserver({ log, metrics, now = () => performance.now() }: ObserverParts): Observer {
  const failures = new WeakMap<Call, Failure[]>();

  function finished(inbound: Seen): void {
    const error = errorOf(inbound);
    const outcome = outcomeOf(inbound, error);
    const duration = now() - inbound.started;
    metrics.ended(outcome, inbound.call, duration);
    const level = levelOf(inbound, error);
    if (!log.enabled(level)) return;
    const retried = inbound.call && retriedOf(failures.get(inbound.call), error);
    const facts = { outcome, error, duration, retried, providerWords: log.enabled("debug") };
    log.write(level, accessLine(inbound, facts, log.redactor), "request");
  }

  function fault(call: Call, error: GatewayError): void {
    metrics.fault(call, error);
    const all = failures.get(call) ?? [];
    all.push({ target: call.target?.index ?? 0, error });
    failures.set(call, all);
  }

  const tell = (level: "warn" | "error", problems: readonly string[], what: string) => {
    for (const problem of problems.slice(0, MOST_PROBLEMS))
      log[level]({ problem: log.redactor.clean(problem, PROBLEM_LENGTH) }, what);
  };

  function reloaded(
    ok: boolean,
    generation: number,
    problems: readonly string[],
    warnings: readonly string[] = [],
  ): void {
    metrics.loaded(ok, generation);
    tell("warn", warnings, "config warning");
    if (ok) {
      log.info({ generation }, "config loaded");
      return;
    }
    tell("error", problems, "config problem");
    log.error({ generation, problems: problems.length }, "config not loaded");
  }

  function followed({ moved, problems, mended }: Followed): void {
    for (const what of moved) log.info({ what: log.redactor.clean(what, PROBLEM_LENGTH) }, "registry changed");
    for (const what of mended) log.info({ what }, "registry well again");
    for (const problem of problems) {
      log.warn({ problem: log.redactor.clean(problem, PROBLEM_LENGTH) }, "registry problem");
    }
  }

  function served(server: string, what: { readonly event: string } | { readonly line: string }): void {
    if ("event" in what) log.info({ server, what: log.redactor.clean(what.event, PROBLEM_LENGTH) }, "model server");
    else log.info({ server, line: log.redactor.clean(what.line, PROBLEM_LENGTH) }, "model server wrote");
  }

  return { began: () => metrics.began(), finished, hooks: { fault }, reloaded, followed, served };
}

/** Why it failed. Without an answer and without a reason, it is the caller who went. */
function errorOf({ call, error, status }: Seen): GatewayError | undefined {
  return call?.error ?? error ?? (status === 0 ? errors.callerGone() : undefined);
}

/**
 * The status is the one that was sent; where the protocol sends 200 whatever happens, as gRPC does, or nothing was sent, it is
 * the one that REST would have had.
 */
function outcomeOf({ call, protocol, status }: Seen, error: GatewayError | undefined): Outcome {
  return {
    protocol: call?.arrival.protocol ?? protocol,
    status: status >= 400 ? status : call?.status || error?.http || status,
    reason: error?.fault.reason ?? "",
  };
}

function levelOf(inbound: Seen, error: GatewayError | undefined): "debug" | "info" | "warn" | "error" {
  switch (error?.fault.reason) {
    case undefined:
      return inbound.call === undefined && PROBES.has(inbound.path) ? "debug" : "info";
    case "CALLER_GONE":
      return "info";
    // A defect, and a key that only the operator can set right.
    case "INTERNAL":
    case "UPSTREAM_CREDENTIALS":
      return "error";
    default:
      return "warn";
  }
}

/** An attempt that failed. */
interface Failure {
  readonly target: number;
  readonly error: GatewayError;
}

/** The failed attempts but the one that the call ended with, which the line tells of anyway. */
function retriedOf(
  all: readonly Failure[] | undefined,
  error: GatewayError | undefined,
): readonly object[] | undefined {
  const retried = all?.filter((one) => one.error !== error).slice(0, MOST_RETRIED);
  return retried?.length ? retried.map(retriedFields) : undefined;
}

function retriedFields({ target, error: { fault } }: Failure): object {
  return { target, reason: fault.reason, upstream_status: fault.upstreamStatus };
}
