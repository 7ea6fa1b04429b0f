import type { ExplainRouteRequest, ExplainRouteResponse } from "../gen/polygate/admin/v1/route_admin_pb.js";
import type { Built, Read } from "./build.ts";
import type { Actor } from "./core/admin.ts";
import { errors } from "./core/errors.ts";
import type { Tools } from "./core/provider.ts";

/** What explaining needs. */
export interface Explaining {
  readonly states: Read & Built;
  readonly tools: Pick<Tools, "clock" | "random">;
  /** A secret as it is shown. */
  readonly mask: (secret: string) => string;
}

/** Says what would be done with a request, and does none of it. */
export async function explain(
  _: Explaining,
  request: ExplainRouteRequest,
  _actor: Actor,
): Promise<ExplainRouteResponse> {
  throw errors.operationUnsupported(`Nothing is explained yet of ${request.operation}.`);
}
