import { type DescMethod, type DescService, getOption, hasOption } from "@bufbuild/protobuf";
import { createConnectRouter, type ServiceImpl } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { Health } from "../../../gen/grpc/health/v1/health_pb.js";
import { ServerReflection as ReflectionV1 } from "../../../gen/grpc/reflection/v1/reflection_pb.js";
import { ServerReflection as ReflectionV1Alpha } from "../../../gen/grpc/reflection/v1alpha/reflection_pb.js";
import { permission } from "../../../gen/polygate/options/v1/options_pb.js";
import { ChatService } from "../../../gen/polygate/v1/chat_pb.js";
import { CompletionsService } from "../../../gen/polygate/v1/completions_pb.js";
import { EmbeddingsService } from "../../../gen/polygate/v1/embeddings_pb.js";
import { PredictionService } from "../../../gen/polygate/v1/predictions_pb.js";
import { header } from "../../core/arrival.ts";
import { isPermission, type Permission } from "../../core/principal.ts";
import type { Endpoint, Inbound, Mount, Protocol } from "../../core/protocol.ts";
import type { Door } from "../../core/site.ts";
import { type Adapting, endpointsOf } from "./adapter.ts";
import { ADMIN_SERVICES, adminService } from "./admin.ts";
import { boundary } from "./boundary.ts";
import { compressions } from "./compression.ts";
import { healthService } from "./health.ts";
import { chatService, completionsService, embeddingsService, inferenceShortcuts } from "./inference.ts";
import { predictionService } from "./predictions/service.ts";
import { reflectionServices } from "./reflection.ts";
import { refusePath } from "./refuse.ts";
import { warmer } from "./validate.ts";

/**
 * gRPC, gRPC-web and Connect: the services of the protos, health and reflection.
 * @see https://connectrpc.com/docs/protocol
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export const protocol: Protocol = {
  kind: "connect",
  mounts: (door) => mounts(door, SERVICES, callServices),
  adminMounts: (door) => mounts(door, OPERATORS, () => []),
};

const SERVICES: readonly DescService[] = [
  ChatService,
  CompletionsService,
  EmbeddingsService,
  PredictionService,
  ...ADMIN_SERVICES,
  Health,
  ReflectionV1,
  ReflectionV1Alpha,
];
/** Of the operators' port. */
const OPERATORS: readonly DescService[] = [...ADMIN_SERVICES, Health, ReflectionV1, ReflectionV1Alpha];
/** Probes have no key, and what reflection tells stands in the public protos. Theirs say nothing of permissions. */
const OPEN: ReadonlySet<string> = new Set([Health, ReflectionV1, ReflectionV1Alpha].map(({ typeName }) => typeName));
/** A question to reflection is a name. */
const MAX_REFLECTION_BYTES = 64 * 1024;

/** Puts a service up. */
type Serve = <S extends DescService>(
  desc: S,
  implementation: Partial<ServiceImpl<S>>,
  options?: { readonly readMaxBytes: number },
) => Served;

interface Served {
  readonly desc: DescService;
  readonly handlers: readonly UniversalHandler[];
  readonly endpoints: readonly Endpoint[];
}

/** The services that call models. */
function callServices(serve: Serve, door: Door): readonly Served[] {
  return [
    serve(ChatService, chatService(door)),
    serve(CompletionsService, completionsService(door)),
    serve(EmbeddingsService, embeddingsService(door)),
    serve(PredictionService, predictionService(door)),
  ];
}

function mounts(
  door: Door,
  services: readonly DescService[],
  calls: (serve: Serve, door: Door) => readonly Served[],
): readonly Mount[] {
  const maxBytes = () => door.site.maxRequestBytes;
  const reflection = reflectionServices(services);
  const names = services.map(({ typeName }) => typeName);
  const small = { readMaxBytes: MAX_REFLECTION_BYTES };
  const packers = compressions(maxBytes);
  const router = createConnectRouter({ acceptCompression: packers, interceptors: [boundary] });
  const adapting: Adapting = { clock: door.clock, maxBytes, packers, shortcuts: inferenceShortcuts(door) };
  const serve: Serve = (desc, implementation, options) => {
    const before = router.handlers.length;
    router.service(desc, implementation, options);
    const handlers = router.handlers.slice(before);
    return {
      desc,
      handlers,
      endpoints: handlers.flatMap((one) => endpointsOf(one, implementation, adapting, permissionOf(one.method))),
    };
  };
  const served = [
    ...calls(serve, door),
    ...ADMIN_SERVICES.map((service) => serve(service, adminService(service, door))),
    serve(Health, healthService(door, names)),
    serve(ReflectionV1, reflection.v1, small),
    serve(ReflectionV1Alpha, reflection.v1alpha, small),
  ];
  const warm = warmer(
    door,
    served.flatMap(({ handlers }) => handlers.map(({ method }) => method.input)),
  );
  const warming = (endpoint: Endpoint): Endpoint["handle"] => {
    return (inbound, params) => {
      warm();
      endpoint.handle(inbound, params);
    };
  };
  const own = served.map(({ desc: { typeName }, endpoints: all }): Mount => {
    const endpoints = all.map((endpoint) =>
      endpoint.permission === "open" ? endpoint : { ...endpoint, handle: warming(endpoint) },
    );
    return { prefix: `/${typeName}/`, endpoints, refuse: refusePath };
  });
  return [...own, { prefix: "/", endpoints: [], refuse: refusePath, claims: isRpc }];
}

/** What a method asks of its callers, by its proto. Throws when that does not say. */
function permissionOf(method: DescMethod): Permission {
  if (OPEN.has(method.parent.typeName)) return "open";
  const said = hasOption(method, permission) ? getOption(method, permission) : undefined;
  if (isPermission(said)) return said;
  throw new Error(`${method.toString()} does not say in its proto what it asks of its callers`);
}

/** Where a service of ours would be. */
const PACKAGES = ["/polygate.", "/grpc."];

/** Whether the head alone says that the caller speaks RPC: by its types, or by a path that only an RPC can have. */
function isRpc({ headers, path }: Inbound): boolean {
  if (PACKAGES.some((one) => path.startsWith(one))) return true;
  const type = header(headers, "content-type")?.toLowerCase() ?? "";
  if (type.startsWith("application/grpc") || type.startsWith("application/connect+")) return true;
  return headers["connect-protocol-version"] !== undefined;
}
