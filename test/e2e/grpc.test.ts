import { afterAll, beforeAll, expect, it } from "vitest";
import type { Gateway } from "../support/gateway.ts";
import { expectSame, reference, startSimulator, type Told } from "./question.ts";
import { clientSuite } from "./tools.ts";
import { askGrpcio, askGrpcurl, grpcurl } from "./ways.ts";

let gateway: Gateway;
let want: Told;

beforeAll(async () => {
  gateway = await startSimulator();
  want = await reference(gateway.url);
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

clientSuite("Python with openai and grpcio", "grpcio with generated stubs", (python) => {
  it("gets the same answers, typed errors and health", async () => {
    const got = await askGrpcio(python, gateway);
    expectSame(got, want);
    const served = { route: "chat", provider: "simulator" };
    expect(got.served).toEqual([served, served]);
    expect(got.dimensions[0]).toBeGreaterThan(1);
    expect(got.unknown).toMatchObject({ code: "NOT_FOUND", reason: "ROUTE_UNKNOWN" });
    expect(got.unknown.message).toContain("no-such-route");
    expect(got.invalid).toMatchObject({ code: "INVALID_ARGUMENT", reason: "FIELD_INVALID", fields: ["messages"] });
    expect(got.health).toEqual(["SERVING", "SERVING"]);
  });
});

clientSuite("grpcurl", "grpcurl, which learns the services by reflection", (path) => {
  it("lists and describes the services", async () => {
    const target = `127.0.0.1:${gateway.port}`;
    const listed = (await grpcurl(path, target, "list")).trim().split("\n");
    expect(listed).toEqual(
      expect.arrayContaining(["grpc.health.v1.Health", "polygate.v1.ChatService", "polygate.v1.EmbeddingsService"]),
    );
    expect(await grpcurl(path, target, "describe", "polygate.v1.ChatService")).toContain("rpc StreamChat");
  });

  it("gets the same answers", async () => {
    expectSame(await askGrpcurl(path, gateway), want);
  });
});
