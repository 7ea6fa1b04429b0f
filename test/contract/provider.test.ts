/** What every provider is held to. It finds them by their folders, and their fixtures in `fixtures/contract.json`. */
import { describe, expect, it } from "vitest";
import { ChatRequestSchema } from "../../gen/polygate/v1/chat_pb.js";
import { CompleteRequestSchema } from "../../gen/polygate/v1/completions_pb.js";
import { EmbedRequestSchema } from "../../gen/polygate/v1/embeddings_pb.js";
import type { Call, Generation } from "../../src/core/call.ts";
import { GatewayError } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { Outgoing, Upstream } from "../../src/core/provider.ts";
import { answerOf } from "../support/joined.ts";
import {
  answered,
  asked,
  type Case,
  type Contracted,
  contracted,
  networkKinds,
  opened,
} from "../support/provider-contract.ts";
import { type Variant, variantsOf } from "../support/schema-walk.ts";

const BASES = {
  chat: { messages: [{ role: "user", content: "hi" }] },
  completions: { prompt: "hi" },
  embeddings: { input: "hi" },
} satisfies Record<Generation, JsonObject>;

const VARIANTS: Readonly<Record<Generation, readonly Variant[]>> = {
  chat: variantsOf(ChatRequestSchema, BASES.chat),
  completions: variantsOf(CompleteRequestSchema, BASES.completions),
  embeddings: variantsOf(EmbedRequestSchema, BASES.embeddings),
};

/** Streams longer than this are cut at a hundred places and not at all of them. */
const CUT_ALL_BYTES = 6_000;

const all = await contracted();

describe.each(all)("$kind", (one) => {
  const { contract, file } = one;
  // Presets read their answers as one another do: cut everywhere once is enough.
  const preset = all.find((other) => other.contract === contract) !== one;
  const model = (of: { readonly model?: string }) => of.model ?? contract.model;
  const streams = contract.cases.filter(({ stream }) => stream !== undefined);

  it.each(contract.cases)("reads the whole answer $name", async (of) => {
    const sink = await answered(opened(one, of.settings), { ...of, model: model(of) }, file(of.reply), {
      stream: false,
    });
    expect(answerOf(sink)).toMatchObject(expected(of));
  });

  it.each(streams)("reads the stream $name as the whole answer, wherever its bytes are cut", async (of) => {
    const upstream = opened(one, of.settings);
    const bytes = file(of.stream!);
    const places = preset ? 10 : bytes.length <= CUT_ALL_BYTES ? bytes.length : 100;
    const step = Math.max(1, Math.ceil(bytes.length / places));
    const each = Array.from({ length: bytes.length }, (_, at) => at);
    for (const cuts of [[], each, ...each.filter((at) => at % step === 0).map((at) => [at])]) {
      const sink = await answered(upstream, { ...of, model: model(of) }, bytes, { stream: true, cuts });
      expect(answerOf(sink), `cut at ${cuts.length === 1 ? cuts[0] : cuts.length}`).toMatchObject(expected(of));
    }
  });

  it.each(streams)("tells the same usage of $name as a stream and whole", async (of) => {
    const upstream = opened(one, of.settings);
    const how = { ...of, model: model(of) };
    const whole = answerOf(await answered(upstream, how, file(of.reply), { stream: false }));
    const stream = answerOf(await answered(upstream, how, file(of.stream!), { stream: true }));
    expect(stream.usage).toEqual(whole.usage);
  });

  it.each(streams)("never takes a part of the stream $name for the whole", async (of) => {
    const upstream = opened(one, of.settings);
    const bytes = file(of.stream!);
    const step = Math.max(1, Math.floor(bytes.length / 60));
    for (let length = 0; length < bytes.length; length += step) {
      const cut = bytes.subarray(0, length);
      const sink = await answered(upstream, { ...of, model: model(of) }, cut, { stream: true, framed: false });
      expect(sink.ends, `${length} of ${bytes.length} bytes`).toBe(1);
      if (sink.told.at(-1) === "end") expect(answerOf(sink)).toMatchObject(expected(of));
    }
  });

  it.each(contract.faults)("knows the fault $name", (of) => {
    const body = typeof of.body === "string" ? file(of.body) : Buffer.from(JSON.stringify(of.body));
    const error = opened(one).fault(of.status, { "content-type": "application/json", ...of.headers }, body);
    expect(error.fault.reason).toBe(of.reason);
    expect(error.message).toMatch(/^\S.{8,}/);
    if (of.retry_after_ms !== undefined) expect(error.fault.retryAfterMs).toBe(of.retry_after_ms);
  });

  it.each(contract.stream_faults ?? [])("knows the fault $name within a stream", async (of) => {
    const op = of.op ?? "chat";
    const asking = { op, request: BASES[op], model: model(of) };
    const sink = await answered(opened(one), asking, file(of.stream), { stream: true });
    expect(sink.told.at(-1)).toBe(`fail ${of.reason}`);
    expect(sink.ends).toBe(1);
  });

  it("repeats no credential of ours in an error", () => {
    const secrets = secretsOf(contract.settings);
    for (const status of [400, 401, 404, 429, 500]) {
      const body = Buffer.from(
        JSON.stringify({ error: { message: `Bad key ${secrets.join(" ")}.` }, message: secrets.join(" ") }),
      );
      const error = opened(one).fault(status, {}, body);
      for (const secret of secrets) expect(`${error.message} ${String(error.cause)}`).not.toContain(secret);
    }
  });

  const ops = Object.keys(BASES).filter((op) => caseOf(one, op as Generation)) as Generation[];
  describe.each(ops)("asked for %s", (op) => {
    const of = caseOf(one, op)!;

    it("sends the same bytes for the same request", async () => {
      const send = async () => said((await asked(opened(one, of.settings), op, model(of), of.request)).outgoing);
      expect(await send()).toBe(await send());
    });

    it("passes on a member that nobody knows", async () => {
      const request = { ...of.request, some_own_member: { marked: "as it came" } };
      const { outgoing, call } = await asked(opened(one, of.settings), op, model(of), request);
      expect(said(outgoing)).toContain('"some_own_member":{"marked":"as it came"}');
      expect(toldOf(call)).not.toContain("some_own_member");
    });

    it.each(VARIANTS[op])("sends $field, or says that it does not", async ({ base, json, differs }) => {
      const upstream = opened(one, of.settings);
      // The gateway packs vectors itself where the provider does not.
      if (differs.join() === "encoding_format" && upstream.reads?.[op]) return;
      const without = await sent(upstream, op, model(of), { ...needed(of), ...base });
      const withIt = await sent(upstream, op, model(of), { ...needed(of), ...json });
      if (withIt instanceof GatewayError) {
        expect(["FIELD_INVALID", "OPERATION_UNSUPPORTED"]).toContain(withIt.fault.reason);
        return;
      }
      if (without instanceof GatewayError) throw without;
      if (withIt.wire !== without.wire && !isPartlyLost(withIt, without)) return;
      if (differs.every((path) => contract.granted?.includes(path))) return;
      const told = toldOf(withIt.call);
      const tells = differs.some((path) => told.some((one) => within(one, path) || within(path, one)));
      expect(tells, `${differs.join(", ")} is neither sent nor told; told: ${told.join(", ") || "nothing"}`).toBe(true);
    });
  });
});

it("has a contract with enough in it for every provider", () => {
  expect(all.map(({ kind }) => kind)).toEqual(networkKinds);
  for (const { kind, contract } of all) {
    expect(contract.cases.length, kind).toBeGreaterThan(0);
    expect(contract.faults.length, kind).toBeGreaterThanOrEqual(5);
  }
});

/** Tool calls with their arguments by their meaning, as `answerOf` gives them. */
function expected({ answer }: Case): JsonObject {
  const calls = answer.tool_calls?.map((call) => ({ ...call, arguments: JSON.stringify(JSON.parse(call.arguments)) }));
  return { ...answer, ...(calls && { tool_calls: calls }) } as unknown as JsonObject;
}

function caseOf({ contract }: Contracted, op: Generation): Case | undefined {
  return contract.cases.find((of) => of.op === op);
}

/** What a provider demands beside the question itself. */
function needed({ request }: Case): JsonObject {
  const { max_tokens } = request;
  return max_tokens === undefined ? {} : { max_tokens };
}

async function sent(upstream: Upstream, op: Generation, model: string, request: JsonObject) {
  try {
    const { outgoing, call } = await asked(upstream, op, model, request);
    return { wire: said(outgoing), call };
  } catch (thrown) {
    if (thrown instanceof GatewayError) return thrown;
    throw thrown;
  }
}

const said = ({ path, headers, body }: Outgoing): string => `${path}\n${headers.join("\n")}\n${body.toString("utf8")}`;

const toldOf = (call: Call): string[] =>
  Object.values(call.adjusted ?? {}).flatMap((paths: string[]) => paths.map((path) => path.replace(/\[\d+\]/g, "")));

/** What changed is only that something else of the request is gone. */
function isPartlyLost(now: { readonly wire: string }, before: { readonly wire: string }): boolean {
  return now.wire.length < before.wire.length && before.wire.includes(now.wire);
}

const within = (path: string, of: string): boolean => path === of || path.startsWith(`${of}.`);

/** Every text of the settings that looks like a credential by its name. */
function secretsOf(settings: JsonObject): string[] {
  return Object.entries(settings).flatMap(([name, value]) => {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return secretsOf(value);
    return /key|secret|token|password/.test(name) && typeof value === "string" && value.length > 3 ? [value] : [];
  });
}
