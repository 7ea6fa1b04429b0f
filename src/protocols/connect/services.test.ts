import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, it } from "vitest";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../../gen/grpc/health/v1/health_pb.js";
import { ServerReflection as V1 } from "../../../gen/grpc/reflection/v1/reflection_pb.js";
import { ServerReflection as V1Alpha } from "../../../gen/grpc/reflection/v1alpha/reflection_pb.js";
import { siteOf } from "../../../test/support/door.ts";
import { targetOf } from "../../../test/support/plan.ts";
import { failure, openRpc, provider, WIRES } from "../../../test/support/rpc.ts";

const route = (name: string) => ({ name, type: "llm/v1/chat" as const, targets: [targetOf(provider().exchange)] });

describe.each(WIRES)("health over %s", (_, transportOf) => {
  it("knows the gateway, each route and each service", async () => {
    await using door = await openRpc(provider());
    const health = createClient(Health, transportOf(door.url));
    for (const service of ["", "chat", "polygate.v1.ChatService"]) {
      expect((await health.check({ service })).status).toBe(Status.SERVING);
    }
    expect(await failure(health.check({ service: "nope" }))).toMatchObject({
      code: "NotFound",
      reason: "ROUTE_UNKNOWN",
    });
  });

  it("tells a watcher each change, and ends its stream when the gateway stops", async () => {
    await using open = await openRpc(provider());
    const watch = createClient(Health, transportOf(open.url)).watch({ service: "later" })[Symbol.asyncIterator]();
    const status = async () => (await watch.next()).value.status as Status;
    expect(await status()).toBe(Status.SERVICE_UNKNOWN);
    open.door.site = siteOf([route("later")]);
    open.change();
    expect(await status()).toBe(Status.SERVING);
    open.door.stopping = true;
    open.change();
    expect(await status()).toBe(Status.NOT_SERVING);
    expect(await failure(watch.next())).toMatchObject({ code: "Unavailable", reason: "SHUTTING_DOWN" });
  });

  it("lets go of a watcher that left", async () => {
    await using open = await openRpc(provider());
    const leaving = new AbortController();
    const watch = createClient(Health, transportOf(open.url))
      .watch({}, { signal: leaving.signal })
      [Symbol.asyncIterator]();
    await watch.next();
    leaving.abort();
    await failure(watch.next());
    while (open.underWay.size > 0) await new Promise(setImmediate);
    expect(open.finished[0]?.error?.fault.reason).toBe("CALLER_GONE");
  });
});

describe.each([
  ["v1", V1],
  ["v1alpha", V1Alpha],
])("reflection %s", (_, service) => {
  const ask = async (...requests: readonly { case: string; value: unknown }[]) => {
    await using open = await openRpc(provider());
    const client = createClient(service as typeof V1, createGrpcTransport({ baseUrl: open.url }));
    async function* asked() {
      for (const messageRequest of requests) yield { messageRequest } as never;
    }
    const answers: { case: string | undefined; value?: never }[] = [];
    for await (const { messageResponse } of client.serverReflectionInfo(asked()))
      answers.push(messageResponse as never);
    return answers as { case: string; value: Record<string, unknown> }[];
  };
  const files = ({ value }: { value: Record<string, unknown> }) =>
    (value["fileDescriptorProto"] as Uint8Array[]).map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name);

  it("lists the services", async () => {
    const [listed] = await ask({ case: "listServices", value: "" });
    expect((listed!.value["service"] as { name: string }[]).map(({ name }) => name)).toEqual([
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      "polygate.admin.v1.AuditService",
      "polygate.admin.v1.KeyAdminService",
      "polygate.admin.v1.RevisionAdminService",
      "polygate.admin.v1.RouteAdminService",
      "polygate.v1.ChatService",
      "polygate.v1.CompletionsService",
      "polygate.v1.EmbeddingsService",
      "polygate.v1.PredictionService",
    ]);
  });

  it("gives the file of a name or symbol with what it imports, each once a stream", async () => {
    const [chat, types, method, field, value, nested, detail] = await ask(
      { case: "fileContainingSymbol", value: "polygate.v1.ChatService" },
      { case: "fileByFilename", value: "polygate/v1/types.proto" },
      { case: "fileContainingSymbol", value: ".polygate.v1.EmbeddingsService.Embed" },
      { case: "fileContainingSymbol", value: "polygate.v1.Usage.total_tokens" },
      { case: "fileContainingSymbol", value: "polygate.v1.ROLE_USER" },
      { case: "fileContainingSymbol", value: "grpc.health.v1.HealthCheckResponse.SERVING" },
      { case: "fileContainingSymbol", value: "google.rpc.ErrorInfo" },
    );
    expect(files(chat!)[0]).toBe("polygate/v1/chat.proto");
    expect(files(chat!)).toEqual(
      expect.arrayContaining([
        "polygate/v1/types.proto",
        "buf/validate/validate.proto",
        "google/protobuf/descriptor.proto",
      ]),
    );
    expect(new Set(files(chat!)).size).toBe(files(chat!).length);
    expect([types, method, field, value, nested, detail].map((one) => files(one!)[0])).toEqual([
      "polygate/v1/types.proto",
      "polygate/v1/embeddings.proto",
      "polygate/v1/types.proto",
      "polygate/v1/chat.proto",
      "grpc/health/v1/health.proto",
      "google/rpc/error_details.proto",
    ]);
  });

  it("finds extensions, and says what it does not find", async () => {
    const extendee = "google.protobuf.FieldOptions";
    const [numbers, file, ...none] = await ask(
      { case: "allExtensionNumbersOfType", value: extendee },
      { case: "fileContainingExtension", value: { containingType: extendee, extensionNumber: 1159 } },
      { case: "fileContainingExtension", value: { containingType: extendee, extensionNumber: 1 } },
      { case: "fileContainingSymbol", value: "no.Such" },
      { case: "fileByFilename", value: "no.proto" },
    );
    expect(numbers!.value["extensionNumber"]).toContain(1159);
    expect(files(file!)[0]).toBe("buf/validate/validate.proto");
    expect(none.map((one) => [one.case, one.value["errorCode"]])).toEqual(none.map(() => ["errorResponse", 5]));
  });
});
