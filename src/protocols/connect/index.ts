import type { DescService } from "@bufbuild/protobuf";
import { createConnectRouter } from "@connectrpc/connect";
import { Health } from "../../../gen/grpc/health/v1/health_pb.js";
import { ServerReflection as ReflectionV1 } from "../../../gen/grpc/reflection/v1/reflection_pb.js";
import { ServerReflection as ReflectionV1Alpha } from "../../../gen/grpc/reflection/v1alpha/reflection_pb.js";
import { RouteAdminService } from "../../../gen/polygate/admin/v1/route_admin_pb.js";
import { ChatService } from "../../../gen/polygate/v1/chat_pb.js";
import { CompletionsService } from "../../../gen/polygate/v1/completions_pb.js";
import { EmbeddingsService } from "../../../gen/polygate/v1/embeddings_pb.js";
import { header } from "../../core/arrival.ts";
import type { Inbound, Mount, Protocol } from "../../core/protocol.ts";
import type { Door } from "../../core/site.ts";
import { type Adapting, endpointsOf } from "./adapter.ts";
import { routeAdminService } from "./admin.ts";
import { boundary } from "./boundary.ts";
import { compressions } from "./compression.ts";
import { healthService } from "./health.ts";
import { chatService, completionsService, embeddingsService } from "./inference.ts";
import { reflectionServices } from "./reflection.ts";
import { refusePath } from "./refuse.ts";
import { warm } from "./validate.ts";

/**
 * gRPC, gRPC-web and Connect: the services of the protos, health and reflection.
 * @see https://connectrpc.com/docs/protocol
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export const protocol: Protocol = { kind: "connect", mounts };

const SERVICES: readonly DescService[] = [
  ChatService,
  CompletionsService,
  EmbeddingsService,
  RouteAdminService,
  Health,
  ReflectionV1,
  ReflectionV1Alpha,
];
/** Probes have no key, and what reflection tells stands in the public protos. */
const OPEN = [Health, ReflectionV1, ReflectionV1Alpha].map(({ typeName }): string => typeName);
/** A question to reflection is a name. */
const MAX_REFLECTION_BYTES = 64 * 1024;

function mounts(door: Door): readonly Mount[] {
  const maxBytes = () => door.site.maxRequestBytes;
  const reflection = reflectionServices(SERVICES);
  const names = SERVICES.map(({ typeName }) => typeName);
  const small = { readMaxBytes: MAX_REFLECTION_BYTES };
  const { handlers } = createConnectRouter({ acceptCompression: compressions(maxBytes), interceptors: [boundary] })
    .service(ChatService, chatService(door))
    .service(CompletionsService, completionsService(door))
    .service(EmbeddingsService, embeddingsService(door))
    .service(RouteAdminService, routeAdminService(door))
    .service(Health, healthService(door, names))
    .service(ReflectionV1, reflection.v1, small)
    .service(ReflectionV1Alpha, reflection.v1alpha, small);
  warm(
    door,
    handlers.map(({ method }) => method.input),
  );
  const adapting: Adapting = { clock: door.clock, maxBytes };
  const own = SERVICES.map(({ typeName }): Mount => {
    const endpoints = handlers
      .filter(({ service }) => service.typeName === typeName)
      .flatMap((handler) => endpointsOf(handler, adapting))
      .map((endpoint) => ({ ...endpoint, open: OPEN.includes(typeName) }));
    return { prefix: `/${typeName}/`, endpoints, refuse: refusePath };
  });
  return [...own, { prefix: "/", endpoints: [], refuse: refusePath, claims: isRpc }];
}

/** Whether the head alone says that the caller speaks RPC, whatever the path is. */
function isRpc({ headers }: Inbound): boolean {
  const type = header(headers, "content-type")?.toLowerCase() ?? "";
  if (type.startsWith("application/grpc") || type.startsWith("application/connect+")) return true;
  return headers["connect-protocol-version"] !== undefined;
}
