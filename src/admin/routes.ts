import type { DiffRoutesRequest, WatchRoutesRequest } from "../../gen/polygate/admin/v1/route_admin_pb.js";
import { diffRoutes } from "./drift.ts";
import type { Context, Methods } from "./method.ts";
import type { AdminParts } from "./parts.ts";
import { routeReads } from "./route-reads.ts";
import { routeWrites } from "./route-writes.ts";
import { watchRoutes } from "./watch.ts";
import type { Writer } from "./writer.ts";

/** RouteAdminService. */
export function routeMethods(parts: AdminParts, writer: Writer): Methods {
  return {
    unary: {
      ...routeReads(parts),
      ...routeWrites(parts, writer),
      diffRoutes: (request: DiffRoutesRequest, context: Context) => diffRoutes(parts, request, context),
    },
    streams: {
      watchRoutes: (request: WatchRoutesRequest, context: Context, signal: AbortSignal) =>
        watchRoutes(parts, request, context, signal),
    },
  };
}
