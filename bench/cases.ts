import type { Job } from "./load.ts";
import { EVENTS, type Question, questions } from "./questions.ts";

/** What a row of the table is about. */
export interface Case {
  readonly id: string;
  readonly title: string;
  readonly unit: "call" | "chunk" | "message";
  readonly question: Question;
  /** What everyone else is asked, to compare with: the question itself where they can answer it. */
  readonly base: "small" | "large" | "sse" | "burst";
  /** Most times the bare forwarder's CPU; `undefined`: the row only tells. */
  readonly goal?: number;
  readonly status?: number;
  readonly http2?: boolean;
  /** What the gateway must have; a row without it says "not yet". */
  readonly needs?: Feature;
}

/** Parts of a config that a gateway may not know yet. */
export type Feature = "keys" | "limits" | "anthropic";

/** The rows, in the order of the table. */
export const CASES: readonly Case[] = [
  { id: "openai-1k", title: "OpenAI REST, 1 KB", unit: "call", question: "small", base: "small", goal: 1.6 },
  { id: "mlflow-1k", title: "MLflow REST, 1 KB", unit: "call", question: "mlflow", base: "small", goal: 1.6 },
  { id: "openai-32k", title: "OpenAI REST, 32 KB", unit: "call", question: "large", base: "large", goal: 1.5 },
  { id: "mlflow-32k", title: "MLflow REST, 32 KB", unit: "call", question: "mlflowLarge", base: "large", goal: 1.5 },
  { id: "sse", title: "SSE pass-through", unit: "chunk", question: "sse", base: "sse", goal: 1.2 },
  { id: "sse-burst", title: "SSE, all chunks at once", unit: "chunk", question: "burst", base: "burst" },
  { id: "connect", title: "Connect JSON, unary", unit: "call", question: "connect", base: "small", goal: 2.4 },
  { id: "grpc", title: "gRPC over h2c, unary", unit: "call", question: "grpc", base: "small", goal: 3.2, http2: true },
  {
    id: "grpc-stream",
    title: "gRPC server stream",
    unit: "message",
    question: "grpcStream",
    base: "sse",
    goal: 2.2,
    http2: true,
  },
  {
    id: "bad-key",
    title: "refused: bad key",
    unit: "call",
    question: "badKey",
    base: "small",
    goal: 0.8,
    ...when(401),
  },
  {
    id: "over-limit",
    title: "refused: over limit",
    unit: "call",
    question: "limited",
    base: "small",
    goal: 0.8,
    status: 429,
    needs: "limits",
  },
  { id: "no-route", title: "refused: no such route", unit: "call", question: "unknown", base: "small", status: 404 },
  {
    id: "translated",
    title: "translated, Anthropic upstream",
    unit: "call",
    question: "translated",
    base: "small",
    goal: 2.5,
    needs: "anthropic",
  },
];

function when(status: 401) {
  return { status, needs: "keys" } as const;
}

/** Connections, calls at once on each, and calls in a round, before `--requests` scales them. */
const SHAPES: Record<
  Case["base"],
  { connections: number; h2: readonly [sessions: number, streams: number]; count: number }
> = {
  small: { connections: 32, h2: [4, 8], count: 3000 },
  large: { connections: 16, h2: [4, 4], count: 1000 },
  // 16 streams at once, each with an event every 4 ms: 4,000 a second, which leaves time between them.
  sse: { connections: 16, h2: [2, 8], count: 16 },
  burst: { connections: 16, h2: [2, 8], count: 150 },
};

/** How a subject is asked in one case, and the units of CPU that the answers are divided by. */
export interface Asked {
  readonly job: Omit<Job, "port">;
  readonly units: number;
}

/**
 * @param own Whether the subject is this gateway, which alone is asked the case's own question.
 * @param scale Times the usual number of calls.
 */
export function ask(one: Case, own: boolean, model: string, scale: number): Asked {
  const shape = SHAPES[one.base];
  const http2 = own && one.http2 === true;
  const count = Math.max(1, Math.round(shape.count * scale));
  const [connections, streams] = http2 ? shape.h2 : [shape.connections, 1];
  const request = questions(model)[own ? one.question : one.base];
  const status = own ? (one.status ?? 200) : 200;
  return {
    job: { request, http2, connections, streams, count, status },
    units: one.unit === "call" ? count : count * EVENTS,
  };
}
