import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { AuditService } from "../../../gen/polygate/admin/v1/audit_pb.js";
import { KeyAdminService } from "../../../gen/polygate/admin/v1/key_admin_pb.js";
import { RevisionAdminService } from "../../../gen/polygate/admin/v1/revision_admin_pb.js";
import { RouteAdminService } from "../../../gen/polygate/admin/v1/route_admin_pb.js";
import type { Actor } from "../../core/admin.ts";
import { errors } from "../../core/errors.ts";
import type { Door } from "../../core/site.ts";
import { callerOf } from "./caller.ts";

/** Every service of the admin API. */
export const ADMIN_SERVICES: readonly DescService[] = [
  RouteAdminService,
  RevisionAdminService,
  KeyAdminService,
  AuditService,
];

/** A service whose methods are the admin API's, which decides everything. */
export function adminService(service: DescService, door: Door): Partial<ServiceImpl<DescService>> {
  const methods = service.methods.map((method) => [method.localName, handlerOf(method, door)]);
  return Object.fromEntries(methods) as Partial<ServiceImpl<DescService>>;
}

function handlerOf(method: DescMethod, door: Door) {
  const name = `${method.parent.typeName}/${method.name}`;
  if (method.methodKind === "server_streaming") {
    return (request: object, context: HandlerContext) => stream(door, name, request, context);
  }
  return (request: object, context: HandlerContext) => apiOf(door).call(name, request, actorOf(context));
}

/** What would last for ever ends when the gateway does, which it would hold up. */
async function* stream(door: Door, name: string, request: object, context: HandlerContext): AsyncGenerator<object> {
  const end = new AbortController();
  const stop = () => end.abort();
  const unlisten = door.onChange(() => door.stopping && stop());
  context.signal.addEventListener("abort", stop);
  if (door.stopping || context.signal.aborted) stop();
  try {
    yield* apiOf(door).stream(name, request, actorOf(context), end.signal);
    if (door.stopping) throw errors.shuttingDown();
  } finally {
    unlisten();
    context.signal.removeEventListener("abort", stop);
  }
}

function apiOf({ admin }: Door): NonNullable<Door["admin"]> {
  if (admin) return admin;
  throw errors.operationUnsupported("This gateway has no admin API.");
}

function actorOf(context: HandlerContext): Actor {
  const { principal, remote, id } = callerOf(context).inbound;
  return { principal, remote, requestId: id };
}
