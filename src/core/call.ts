import type { Body } from "./body.ts";
import type { GatewayError } from "./errors.ts";
import type { Plan, Target } from "./plan.ts";
import type { Principal } from "./principal.ts";

/** What a route does; an open set: rerank and others come later. */
export type Operation = "chat" | "completions" | "embeddings" | "predictions";
/** Operations whose common shape is OpenAI's. */
export type Generation = Exclude<Operation, "predictions">;
/**
 * The words a caller or an upstream speaks. `openai` is the common shape; that of predictions is `scoring`, what MLflow's model
 * server takes.
 */
export type Dialect = "openai" | "mlflow" | "proto" | "anthropic" | "gemini" | "scoring";

/** Families of MLflow's own client, 2.5-2.8 and 2.9-2.22, to whom its gateway's forms are kept to the letter. */
export type MlflowEra = "2.8" | "2.22";

/** Lower-case names, as `node:http` gives them. */
export type HeaderMap = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Tokens of one call. A count that the provider did not give is absent, never 0. */
export interface Usage {
  readonly promptTokens?: number;
  readonly completionTokens?: number;
  readonly totalTokens?: number;
  readonly cachedTokens?: number;
  readonly reasoningTokens?: number;
}

/** What a call asked for and did not get as asked; names are paths of request members. */
export interface Adjusted {
  readonly dropped: string[];
  readonly converted: string[];
  readonly defaulted: string[];
}

/** Where a caller stands with a limit. */
export interface Quota {
  /** Calls allowed in a period. */
  readonly limit: number;
  /** Calls left in this one. */
  readonly left: number;
  /** Milliseconds to its end. */
  readonly leftMs: number;
}

/** How a call came in; the same for every protocol. */
export interface Arrival {
  /** `x-request-id`: the caller's when it is well formed, else ours. */
  readonly id: string;
  readonly protocol: string;
  readonly dialect: Dialect;
  readonly headers: HeaderMap;
  /** Peer address, without port. */
  readonly remote: string;
  /** Whom the gateway takes the caller for. */
  readonly principal: Principal;
  /** Milliseconds on the monotonic clock. */
  readonly started: number;
  /** What is left of the caller's own deadline when it arrived; `undefined`: it set none. */
  readonly timeoutMs: number | undefined;
  /** A caller of MLflow 2.5-2.8: its temperature was 0-1, and stands doubled in the body. */
  readonly legacy?: boolean | undefined;
  /** MLflow's own client of 2.x asks, as it says itself. */
  readonly era?: MlflowEra | undefined;
}

/** One request. A fixed shape: every property is set here, so that the hot path never changes its hidden class. */
export class Call {
  readonly arrival: Arrival;
  readonly plan: Plan;
  /** In the common shape, whatever the caller's dialect. */
  readonly body: Body;
  readonly stream: boolean;
  /** Monotonic milliseconds: the caller's deadline or the route's total limit, the sooner. */
  readonly deadlineAt: number;
  /** Whether `deadlineAt` is the caller's. */
  readonly callerDeadline: boolean;
  /** Name of `arrival.principal`; empty: nobody was asked. */
  readonly principal: string;
  target: Target | undefined = undefined;
  /** 1 for the first target tried. */
  attempt = 0;
  usage: Usage | undefined = undefined;
  /** Monotonic milliseconds of the first streamed event, or of the whole answer. */
  firstByteAt = 0;
  /** Of the answer as sent; 0 until then. */
  status = 0;
  error: GatewayError | undefined = undefined;
  adjusted: Adjusted | undefined = undefined;
  /** Of a part of a request: how many of its rows stand before. */
  firstRow = 0;
  /** Of the limit that has least left, when there is one; told to REST callers. */
  quota: Quota | undefined = undefined;

  constructor(arrival: Arrival, plan: Plan, body: Body, stream: boolean) {
    this.arrival = arrival;
    this.principal = arrival.principal.name;
    this.plan = plan;
    this.body = body;
    this.stream = stream;
    const { timeoutMs } = arrival;
    this.callerDeadline = timeoutMs !== undefined && timeoutMs < plan.totalMs;
    this.deadlineAt = arrival.started + (this.callerDeadline ? timeoutMs! : plan.totalMs);
  }

  /**
   * Notes that a request member was not sent as asked; reported to the caller in `Served` and on REST.
   *
   * @param member Its path, such as `messages[0].name`. Of members that differ by their places in lists the first is told.
   */
  adjust(how: keyof Adjusted, member: string): void {
    this.adjusted ??= { dropped: [], converted: [], defaulted: [] };
    const told = this.adjusted[how];
    const plain = placeless(member);
    if (!told.some((one) => placeless(one) === plain)) told.push(member);
  }
}

function placeless(path: string): string {
  return path.includes("[") ? path.replace(/\[\d+\]/g, "[]") : path;
}
