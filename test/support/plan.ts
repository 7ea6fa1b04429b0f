/** Plans and calls for tests of what runs them. */
import { Body } from "../../src/core/body.ts";
import { type Arrival, Call } from "../../src/core/call.ts";
import { ANYBODY } from "../../src/core/grants.ts";
import type { Plan, Target } from "../../src/core/plan.ts";
import type { Exchange, Upstream } from "../../src/core/provider.ts";
import { openAIFault } from "../../src/dialects/openai/fault.ts";
import { openAIUsage } from "../../src/dialects/openai/usage.ts";

/** An upstream that sends the body as it is. */
export const plainUpstream: Upstream = {
  origin: undefined,
  speaks: { chat: "openai", completions: "openai", embeddings: "openai" },
  encode: (_, body) => ({ path: "/", headers: [], body: body.bytes }),
  usage: openAIUsage,
  fault: (status, headers, body) => openAIFault("fake", status, headers, body),
};

export function targetOf(exchange: Exchange, index = 0, upstream: Upstream = plainUpstream): Target {
  return { index, provider: "fake", model: `model-${index}`, upstream, exchange, speaks: "openai" };
}

/** A plan with round limits: first byte 1,000 ms, silence 500 ms, everything 10,000 ms. */
export function planOf(targets: readonly Target[], over: Partial<Plan> = {}): Plan {
  return {
    route: "chat",
    op: "chat",
    revision: 7,
    strict: false,
    targets,
    before: [],
    reply: [],
    chunk: [],
    fault: [],
    settle: [],
    connectMs: 100,
    firstByteMs: 1_000,
    chunkMs: 500,
    totalMs: 10_000,
    maxReplyBytes: 1_000_000,
    maxRequestBytes: 1_000_000,
    ...over,
  } as Plan;
}

export function callOf(plan: Plan, stream: boolean, over: Partial<Arrival> = {}): Call {
  const arrival: Arrival = {
    id: "test",
    protocol: "openai",
    dialect: "openai",
    headers: {},
    remote: "127.0.0.1",
    principal: ANYBODY,
    started: 0,
    timeoutMs: undefined,
    ...over,
  };
  return new Call(arrival, plan, Body.ofJson({ model: "chat", messages: [{ role: "user", content: "hi" }] }), stream);
}
