import { createClient, type Transport } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { ChatService, Role } from "../../../gen/polygate/v1/chat_pb.js";
import { EmbeddingsService } from "../../../gen/polygate/v1/embeddings_pb.js";
import { events, fixture } from "../../../test/support/canned.ts";
import { openDoor, siteOf } from "../../../test/support/door.ts";
import { targetOf } from "../../../test/support/plan.ts";
import { all, failure, openRpc, provider, type Said, WIRES } from "../../../test/support/rpc.ts";
import { protocol } from "./index.ts";

const messages = [{ role: Role.USER, content: { case: "text", value: "hi" } as const }];
const chat = { model: "chat", messages };
const busy: Said = { status: 429, headers: { "retry-after": "7" }, chunks: [fixture("error-429.json")] };
const ask = (transport: Transport, request = chat) => createClient(ChatService, transport).chat(request);
const stream = (transport: Transport, request = chat) =>
  all(createClient(ChatService, transport).streamChat({ chat: request }));
const headers = { "x-request-id": "req-1" };

describe.each(WIRES)("%s", (_, transportOf) => {
  it("tells an unknown route, with its reason and the request id", async () => {
    await using door = await openRpc(provider());
    const client = createClient(ChatService, transportOf(door.url));
    const nope = { ...chat, model: "nope" };
    const want = {
      code: "NotFound",
      message: 'No route is named "nope".',
      reason: "ROUTE_UNKNOWN",
      domain: "polygate",
    };
    const facts = { request_id: "req-1", param: "model" };
    expect(await failure(client.chat(nope, { headers }))).toMatchObject({ ...want, facts, requestId: "req-1" });
    expect(await failure(all(client.streamChat({ chat: nope }, { headers })))).toMatchObject({ ...want, facts });
    expect(door.finished.map(({ error }) => error?.fault.reason)).toEqual(["ROUTE_UNKNOWN", "ROUTE_UNKNOWN"]);
  });

  it("tells a route that does something else", async () => {
    await using door = await openRpc(provider());
    const told = await failure(
      createClient(EmbeddingsService, transportOf(door.url)).embed({
        model: "chat",
        input: { case: "text", value: "x" },
      }),
    );
    expect(told).toMatchObject({ code: "Unimplemented", reason: "OPERATION_UNSUPPORTED" });
  });

  it("names each field that breaks a rule, by its path", async () => {
    const upstream = provider();
    await using door = await openRpc(upstream);
    const bad = { model: "chat", messages: [{ role: Role.UNSPECIFIED }], temperature: 3 };
    const fields = ["messages[0].role", "temperature"];
    const unary = await failure(ask(transportOf(door.url), bad as never));
    expect(unary).toMatchObject({ code: "InvalidArgument", reason: "FIELD_INVALID" });
    expect(unary.violations?.map(({ field }) => field)).toEqual(fields);
    const streamed = await failure(stream(transportOf(door.url), bad as never));
    expect(streamed.violations?.map(({ field }) => field)).toEqual(fields.map((field) => `chat.${field}`));
    expect(streamed.violations?.map(({ description }) => description)).toEqual([
      expect.stringMatching(/^must be one of ROLE_.*ROLE_USER/),
      expect.stringContaining("less than or equal to 2"),
    ]);
    expect(upstream.asked).toEqual([]);
  });

  it("keeps a provider's wish to wait, and says which target spoke", async () => {
    await using door = await openRpc(provider(() => busy));
    for (const call of [ask, stream]) {
      const told = await failure(call(transportOf(door.url)));
      expect(told).toMatchObject({ code: "ResourceExhausted", reason: "UPSTREAM_BUSY" });
      expect(told.retryDelay).toMatchObject({ seconds: 7n, nanos: 0 });
      expect(told.facts).toMatchObject({ route: "chat", provider: "fake", attempt: "1", upstream_status: "429" });
    }
  });

  it("keeps what it tells small enough for trailers, and in whole characters", async () => {
    const message = `${"\u{1F680}日本".repeat(4_000)}\uD83D`;
    await using door = await openRpc(
      provider(() => ({ status: 400, chunks: [JSON.stringify({ error: { message } })] })),
    );
    const told = await failure(ask(transportOf(door.url)));
    expect(told).toMatchObject({ code: "InvalidArgument", reason: "UPSTREAM_REJECTED" });
    expect(told.message).toMatch(/^[\u{1F680}日本]{200,400}\.\.\.$/u);
    const metadata = Object.fromEntries(Array.from({ length: 16 }, (_, at) => [`${at}`.repeat(60), "x".repeat(600)]));
    const many = await failure(ask(transportOf(door.url), { ...chat, metadata } as never));
    expect(many).toMatchObject({ reason: "FIELD_INVALID" });
    expect(many.violations!.length).toBeGreaterThan(5);
    expect(JSON.stringify(many.violations).length).toBeLessThan(4_000);
  });

  it("ends a stream that is cut after any event with exactly one error, after the pieces that came", async () => {
    const recorded = events(fixture("chat.sse"));
    const cuts = recorded.length - 1;
    await using door = await openRpc(provider((asked) => ({ chunks: recorded.slice(0, Number(asked["seed"])) })));
    const client = createClient(ChatService, transportOf(door.url));
    for (let cut = 1; cut < cuts; cut++) {
      const seen: unknown[] = [];
      const read = async () => {
        for await (const piece of client.streamChat({ chat: { ...chat, seed: BigInt(cut) } })) seen.push(piece);
      };
      // With its finish reason a stream is whole, whatever is missing after it.
      const whole = recorded.slice(0, cut).some((event) => event.includes('"finish_reason":"stop"'));
      if (whole) await read();
      else {
        expect(await failure(read())).toMatchObject({ code: "Unavailable", reason: "UPSTREAM_FAILED" });
        expect(seen.length).toBe(cut);
      }
    }
  });

  it("tells an error in the middle of a stream as the stream's end", async () => {
    const [first] = events(fixture("chat.sse"));
    const error = 'data: {"error":{"message":"overloaded","type":"server_error","code":null}}\n\n';
    await using door = await openRpc(provider(() => ({ chunks: [first!, error] })));
    expect(await failure(stream(transportOf(door.url)))).toMatchObject({ reason: "UPSTREAM_FAILED" });
    expect(door.finished[0]?.call?.error?.fault.reason).toBe("UPSTREAM_FAILED");
  });

  it("keeps to the caller's deadline and closes the provider", async () => {
    const upstream = provider(() => ({ chunks: [], open: true }));
    await using door = await openRpc(upstream);
    const client = createClient(ChatService, transportOf(door.url));
    for (const call of [
      () => client.chat(chat, { timeoutMs: 60 }),
      () => all(client.streamChat({ chat }, { timeoutMs: 60 })),
    ]) {
      const aborted = upstream.aborted();
      expect(await failure(call())).toMatchObject({ code: "DeadlineExceeded" });
      await aborted;
    }
  });

  it("tells the deadline itself when the caller waits for it", async () => {
    await using door = await openRpc(provider(() => ({ chunks: [], open: true })));
    const client = createClient(ChatService, transportOf(door.url));
    const deadline = { headers: { "grpc-timeout": "50m", "connect-timeout-ms": "50" } };
    const told = await failure(client.chat(chat, deadline));
    expect(told).toMatchObject({ code: "DeadlineExceeded", reason: "DEADLINE_PASSED", facts: { limit: "caller" } });
    expect(await failure(all(client.streamChat({ chat }, deadline)))).toMatchObject({ reason: "DEADLINE_PASSED" });
  });

  it("closes the provider when the caller leaves", async () => {
    const [first] = events(fixture("chat.sse"));
    const upstream = provider((asked) => ({ chunks: asked["stream"] ? [first!] : [], open: true }));
    await using door = await openRpc(upstream);
    const client = createClient(ChatService, transportOf(door.url));
    for (const call of [
      (signal: AbortSignal) => client.chat(chat, { signal }),
      (signal: AbortSignal) => all(client.streamChat({ chat }, { signal })),
    ]) {
      const leaving = new AbortController();
      const aborted = upstream.aborted();
      const told = failure(call(leaving.signal));
      const before = upstream.asked.length;
      while (upstream.asked.length === before) await new Promise(setImmediate);
      leaving.abort();
      expect(await told).toMatchObject({ code: "Canceled" });
      await aborted;
    }
    while (door.finished.length < 2) await new Promise(setImmediate);
    expect(door.finished.map(({ call }) => call?.error?.fault.reason)).toEqual(["CALLER_GONE", "CALLER_GONE"]);
  });

  it("never tells what threw", async () => {
    const upstream = targetOf(provider().exchange, 0, {
      origin: undefined,
      speaks: { chat: "openai" },
      encode() {
        throw new Error("secret thing");
      },
      usage: () => undefined,
      fault: () => {
        throw new Error("unreached");
      },
    });
    await using door = await openDoor(siteOf([{ name: "chat", type: "llm/v1/chat", targets: [upstream] }]), (one) =>
      protocol.mounts(one),
    );
    for (const call of [ask, stream]) {
      const told = await failure(call(transportOf(door.url)));
      expect(told).toMatchObject({ code: "Internal", reason: "INTERNAL" });
      expect(JSON.stringify(told, (_key, value) => (typeof value === "bigint" ? String(value) : value))).not.toContain(
        "secret",
      );
    }
  });
});
