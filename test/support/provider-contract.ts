/** What the provider suite reads of a provider's folder, and how it asks a provider. */
import { existsSync, readFileSync } from "node:fs";
import { type DescMessage, fromJson } from "@bufbuild/protobuf";
import { Body } from "../../src/core/body.ts";
import { Call, type Generation } from "../../src/core/call.ts";
import type { Reason } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { Outgoing, Provider, ReplyHeaders, Tools, Upstream } from "../../src/core/provider.ts";
import { run } from "../../src/core/run.ts";
import { loadProvider, providerKinds } from "../../src/registry.ts";
import { fakeClock } from "./clock.ts";
import { callOf, planOf, targetOf } from "./plan.ts";
import { RecordingSink, wires } from "./sink.ts";

/** `fixtures/contract.json` of a provider's folder. */
export interface Contract {
  /** Valid settings, as JSON of the provider's own message. */
  readonly settings: JsonObject;
  readonly model: string;
  readonly cases: readonly Case[];
  readonly faults: readonly FaultCase[];
  /** Members that ask for what the provider does anyway, as paths: neither sent nor told. */
  readonly granted?: readonly string[];
  readonly stream_faults?: readonly {
    readonly name: string;
    readonly stream: string;
    readonly reason: Reason;
    readonly model?: string;
    readonly op?: Generation;
  }[];
}

/** One question, and what the provider answers to it, whole and as a stream. */
export interface Case {
  readonly name: string;
  readonly op: Generation;
  /** In place of the contract's. */
  readonly model?: string;
  readonly settings?: JsonObject;
  readonly request: JsonObject;
  /** File with the whole answer. */
  readonly reply: string;
  /** File with the stream of the same answer; absent: it has none. */
  readonly stream?: string;
  /** Media type of the stream, where it is not the reading's own. */
  readonly answer: Answer;
}

export interface FaultCase {
  readonly name: string;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A file, or the JSON itself. */
  readonly body: string | JsonObject;
  readonly reason: Reason;
  readonly retry_after_ms?: number;
}

/** An answer in the common shape, joined; absent members are not compared. */
export interface Answer {
  readonly text?: string;
  readonly reasoning?: string;
  readonly refusal?: string;
  readonly tool_calls?: readonly { readonly id?: string; readonly name: string; readonly arguments: string }[];
  readonly finish_reason?: string;
  readonly native_finish_reason?: string;
  readonly usage?: JsonObject;
  readonly vectors?: readonly (readonly number[])[];
}

/** A provider with its contract, under each of its kinds. */
export interface Contracted {
  readonly kind: string;
  readonly provider: Provider<unknown>;
  readonly contract: Contract;
  readonly file: (name: string) => Buffer;
}

/** Every provider that answers over the network and has a contract. */
export async function contracted(): Promise<Contracted[]> {
  const all: Contracted[] = [];
  const contracts = new Map<string, Contract>();
  for (const kind of networkKinds.filter(hasContract)) {
    const provider = (await loadProvider(kind))!;
    const file = (name: string) => readFileSync(new URL(`${folderOf(kind)}/fixtures/${name}`, PROVIDERS));
    const known = contracts.get(folderOf(kind)) ?? (JSON.parse(file("contract.json").toString()) as Contract);
    contracts.set(folderOf(kind), known);
    all.push({ kind, provider, contract: known, file });
  }
  return all;
}

/** Kinds that dial out. */
export const networkKinds = providerKinds.filter((kind) => kind !== "simulator");

function hasContract(kind: string): boolean {
  return existsSync(new URL(`${folderOf(kind)}/fixtures/contract.json`, PROVIDERS));
}

const PROVIDERS = new URL("../../src/providers/", import.meta.url);

/** Presets share the folder, and so the contract, of the server that they are rows of. */
function folderOf(kind: string): string {
  const own = kind.replaceAll("-", "_");
  return existsSync(new URL(own, PROVIDERS)) ? own : "openai_compatible";
}

/** Time and chance stand still, so that what is sent twice is sent alike. */
export const TOOLS: Tools = { clock: fakeClock(), wallNow: () => 1_750_000_000_000, random: () => 0.5 };

export function opened({ provider, contract }: Contracted, settings: JsonObject = {}): Upstream {
  const message = fromJson(provider.settings as DescMessage, { ...contract.settings, ...settings } as never);
  return provider.open(message, TOOLS);
}

/** A call of a route with this one target, and what its provider would get. */
export async function asked(upstream: Upstream, op: Generation, model: string, request: JsonObject, stream = false) {
  const { exchange, all } = wires();
  const target = { ...targetOf(exchange, 0, upstream), model, speaks: upstream.speaks[op] ?? ("openai" as const) };
  const plan = planOf([target], { op });
  const json = { ...request, model: "route", ...(stream && { stream, stream_options: { include_usage: true } }) };
  const call = new Call(callOf(plan, false).arrival, plan, Body.ofBytes(Buffer.from(JSON.stringify(json))), stream);
  call.target = target;
  const outgoing: Outgoing = await upstream.encode(call, call.body, model);
  return { call, outgoing, all };
}

/** Runs a call whose provider answers with these bytes, cut at the given offsets; what the caller's side was told. */
export async function answered(
  upstream: Upstream,
  one: Pick<Case, "op" | "request"> & { readonly model: string },
  bytes: Buffer,
  how: {
    readonly stream: boolean;
    readonly cuts?: readonly number[];
    readonly framed?: boolean;
    readonly status?: number;
    readonly headers?: ReplyHeaders;
  },
): Promise<RecordingSink> {
  const { exchange, all } = wires();
  const target = { ...targetOf(exchange, 0, upstream), model: one.model };
  const plan = planOf([target], { op: one.op, maxReplyBytes: 64 * 1024 * 1024 });
  const extra = how.stream ? { stream: true, stream_options: { include_usage: true } } : {};
  const body = Body.ofBytes(Buffer.from(JSON.stringify({ ...one.request, model: "route", ...extra })));
  const call = new Call(callOf(plan, false).arrival, plan, body, how.stream);
  const sink = new RecordingSink(false);
  run(call, sink, fakeClock());
  for (let turns = 0; all.length === 0 && turns < 1000 && sink.ends === 0; turns++)
    await new Promise((next) => setImmediate(next));
  const wire = all[0];
  if (wire === undefined) return sink;
  const type = how.stream ? (upstream.reads?.[one.op]?.streamType ?? "text/event-stream") : "application/json";
  wire.receiver.onHead(how.status ?? 200, { "content-type": type, ...how.headers });
  let from = 0;
  for (const cut of [...(how.cuts ?? []), bytes.length]) {
    wire.receiver.onData(bytes.subarray(from, cut));
    from = cut;
  }
  wire.receiver.onEnd(how.framed ?? true);
  return sink;
}
