import { create, toBinary } from "@bufbuild/protobuf";
import { createClient, createConnectRouter, type ServiceImpl } from "@connectrpc/connect";
import { compressionGzip, createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, it } from "vitest";
import {
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
} from "../../../../gen/grpc/health/v1/health_pb.js";
import { openDoor, siteOf } from "../../../../test/support/door.ts";
import { all, failure, WIRES } from "../../../../test/support/rpc.ts";
import { realClock } from "../../../net/clock.ts";
import { endpointsOf } from "../adapter.ts";
import { boundary } from "../boundary.ts";
import { compressions } from "../compression.ts";
import { refusePath } from "../refuse.ts";
import { envelope } from "./frames.ts";

/** A port with the health service alone, implemented as the test wants. */
function openHealth(implementation: ServiceImpl<typeof Health>) {
  const maxBytes = () => 100_000;
  const packers = compressions(maxBytes);
  const { handlers } = createConnectRouter({ acceptCompression: packers, interceptors: [boundary] }).service(
    Health,
    implementation,
  );
  const adapting = { clock: realClock, maxBytes, packers };
  const endpoints = handlers.flatMap((handler) => endpointsOf(handler, implementation, adapting, "open"));
  return openDoor(siteOf([]), () => [{ prefix: "", endpoints, refuse: refusePath }]);
}

const serving = { status: 1 };
const idle: ServiceImpl<typeof Health> = { check: () => serving, watch: async function* () {} };

describe.each(WIRES)("%s", (_, transportOf) => {
  it("carries headers and trailers that an implementation sets, with an answer and with a failure", async () => {
    await using door = await openHealth({
      ...idle,
      check({ service }, { responseHeader, responseTrailer }) {
        responseHeader.set("x-head", "1");
        responseTrailer.set("x-tail", "2");
        if (service === "bad") throw new Error("it says no");
        return serving;
      },
    });
    const client = createClient(Health, transportOf(door.url));
    const seen: (string | null)[] = [];
    const onHeader = (headers: Headers) => void seen.push(headers.get("x-head"));
    const onTrailer = (trailers: Headers) => void seen.push(trailers.get("x-tail"));
    expect((await client.check({}, { onHeader, onTrailer })).status).toBe(1);
    expect(seen).toEqual(["1", "2"]);
    expect(await failure(client.check({ service: "bad" }))).toMatchObject({ code: "Internal", reason: "INTERNAL" });
  });

  it("ends a stream that fails in its middle, after what came", async () => {
    await using door = await openHealth({
      ...idle,
      async *watch() {
        yield serving;
        yield serving;
        throw new Error("no more");
      },
    });
    const stream = createClient(Health, transportOf(door.url)).watch({})[Symbol.asyncIterator]();
    expect([(await stream.next()).value.status, (await stream.next()).value.status]).toEqual([1, 1]);
    expect(await failure(stream.next())).toMatchObject({ reason: "INTERNAL" });
  });

  it("fails a call alone whose answer is no message", async () => {
    let answer: object = { status: "serving" };
    await using door = await openHealth({ ...idle, check: () => answer });
    const client = createClient(Health, transportOf(door.url));
    expect(await failure(client.check({}))).toMatchObject({ code: "Internal", reason: "INTERNAL" });
    answer = serving;
    expect((await client.check({})).status).toBe(1);
    expect(await all(client.watch({}))).toEqual([]);
  });
});

it("packs what is large within a stream, in its order", async () => {
  const sizes = [10, 5000, 20, 6000, 7000, 30];
  await using door = await openHealth({
    ...idle,
    async *watch() {
      for (const size of sizes)
        yield Object.assign(create(HealthCheckResponseSchema, serving), { $unknown: [unknown(size)] });
    },
  });
  const packing = { acceptCompression: [compressionGzip] };
  const client = createClient(Health, createGrpcTransport({ baseUrl: door.url, ...packing }));
  const messages = await all(client.watch({}));
  expect(messages.map(({ $unknown }) => $unknown![0]!.data.length)).toEqual(
    sizes.map((size) => unknown(size).data.length),
  );
});

/** A field of bytes that no proto has. */
function unknown(size: number) {
  const length = size < 128 ? [size] : [(size & 0x7f) | 0x80, size >> 7];
  return { no: 99, wireType: 2, data: Buffer.concat([Buffer.from(length), Buffer.alloc(size, "a")]) };
}

it("leaves a body that is not one message to Connect's own handlers", async () => {
  await using door = await openHealth(idle);
  const message = envelope(0, toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, {})));
  const ask = async (body: Buffer) => {
    const headers = { "content-type": "application/grpc-web+proto" };
    const init = { method: "POST", headers, body: new Uint8Array(body) };
    const reply = await fetch(`${door.url}/grpc.health.v1.Health/Check`, init);
    return /grpc-status: (\d+)/.exec(await reply.text())?.[1] ?? reply.headers.get("grpc-status");
  };
  expect(await ask(message)).toBe("0");
  expect(await ask(Buffer.concat([message, message]))).toBe("12");
  expect(await ask(Buffer.alloc(0))).toBe("12");
  expect(await ask(message.subarray(0, 3))).toBe("3");
});
