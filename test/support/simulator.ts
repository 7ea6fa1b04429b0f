/** The simulator as its tests talk to it: without a socket, at a time that the test sets. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { SimulatorSettingsSchema } from "../../gen/providers/simulator/v1/settings_pb.js";
import type { Json, JsonObject } from "../../src/core/json.ts";
import type { Tools, Upstream } from "../../src/core/provider.ts";
import { provider } from "../../src/providers/simulator/index.ts";
import { fakeClock, microtasks } from "./clock.ts";
import { eventsOf, type Recorded, record } from "./recording.ts";

export type SettingsInit = MessageInitShape<typeof SimulatorSettingsSchema>;

/** What a simulator is given; a test names what it cares for. */
export const toolsOf = (some: Partial<Tools> = {}): Tools => ({
  clock: fakeClock(),
  wallNow: () => 1_700_000_000_000,
  random: () => 0.5,
  ...some,
});

export const openSimulator = (settings: SettingsInit = {}, tools: Tools = toolsOf()): Upstream =>
  provider.open(create(SimulatorSettingsSchema, settings), tools);

const PATHS = { chat: "/v1/chat/completions", completions: "/v1/completions", embeddings: "/v1/embeddings" } as const;

/** Sends one request; the answer comes with the microtasks. */
export function start(
  upstream: Upstream,
  op: keyof typeof PATHS,
  request: JsonObject,
  onChunk?: (so: Recorded) => void,
): Recorded {
  return record(
    upstream.exchange!,
    { path: PATHS[op], headers: [], body: Buffer.from(JSON.stringify(request)) },
    onChunk,
  );
}

/** A whole answer, parsed, with its status. Throws unless it ended well. */
export async function ask(op: keyof typeof PATHS, request: JsonObject, settings: SettingsInit = {}) {
  const recorded = start(openSimulator(settings), op, request);
  await microtasks();
  if (recorded.outcome !== "end") throw new Error(`The answer ended with ${recorded.outcome}.`);
  return { status: recorded.status!, json: JSON.parse(recorded.text) as Reply };
}

/** All events of a streamed answer, parsed, `[DONE]` left out. Throws unless it ended well and with `[DONE]`. */
export async function askStream(op: keyof typeof PATHS, request: JsonObject, settings: SettingsInit = {}) {
  const tools = toolsOf();
  const recorded = start(openSimulator(settings, tools), op, { ...request, stream: true });
  await microtasks();
  (tools.clock as ReturnType<typeof fakeClock>).advance(0);
  if (recorded.outcome !== "end" || !recorded.text.endsWith("\n\ndata: [DONE]\n\n")) {
    throw new Error(`The stream ended with ${recorded.outcome}: ${recorded.text.slice(-200)}`);
  }
  return eventsOf(recorded.text) as unknown as Event[];
}

/** The error of a refused request: status, message, `param`. Throws when it was not refused. */
export async function refusalOf(op: keyof typeof PATHS, request: JsonObject) {
  const { status, json } = await ask(op, request);
  if (json.error === undefined) throw new Error(`It was answered: ${JSON.stringify(json)}`);
  return { status, ...json.error };
}

/** One user message as a chat request. */
export const says = (text: string, more: JsonObject = {}): JsonObject => ({
  model: "m",
  messages: [{ role: "user", content: text }],
  ...more,
});

export interface ToolCallWire {
  readonly index?: number;
  readonly id?: string;
  readonly type?: string;
  readonly function?: { readonly name?: string; readonly arguments?: string };
  readonly custom?: { readonly name?: string; readonly input?: string };
}

export interface Reply {
  readonly id: string;
  readonly object: string;
  readonly created: number;
  readonly model: string;
  readonly system_fingerprint: string;
  readonly choices: readonly {
    readonly index: number;
    readonly text: string;
    readonly message: { readonly role: string; readonly content: string | null; readonly tool_calls?: ToolCallWire[] };
    readonly logprobs: Json;
    readonly finish_reason: string;
  }[];
  readonly data: readonly { readonly index: number; readonly embedding: number[] | string }[];
  readonly usage: Readonly<Record<string, number>>;
  readonly error?: { readonly message: string; readonly type: string; readonly param: string; readonly code: string };
}

export interface Event {
  readonly id: string;
  readonly object: string;
  readonly model: string;
  readonly choices: readonly {
    readonly index: number;
    readonly text: string;
    readonly delta: { readonly role?: string; readonly content?: string | null; readonly tool_calls?: ToolCallWire[] };
    readonly logprobs: { readonly content: JsonObject[] } | null;
    readonly finish_reason: string | null;
  }[];
  readonly usage?: Readonly<Record<string, number>> | null;
}
