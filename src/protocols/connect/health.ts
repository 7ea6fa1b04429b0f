import type { ServiceImpl } from "@connectrpc/connect";
import { type Health, HealthCheckResponse_ServingStatus as Status } from "../../../gen/grpc/health/v1/health_pb.js";
import { errors, GatewayError } from "../../core/errors.ts";
import type { Door } from "../../core/site.ts";

/**
 * Health of the gateway (""), of each route by its name, and of each service by its full name.
 * @see https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 */
export function healthService(door: Door, services: readonly string[]): ServiceImpl<typeof Health> {
  const statusOf = (service: string): Status => {
    const known = service === "" || services.includes(service) || door.site.route(service) !== undefined;
    if (!known) return Status.SERVICE_UNKNOWN;
    return door.stopping ? Status.NOT_SERVING : Status.SERVING;
  };
  return {
    check({ service }) {
      const status = statusOf(service);
      if (status !== Status.SERVICE_UNKNOWN) return { status };
      throw new GatewayError(`No route or service is named ${JSON.stringify(service.slice(0, 120))}.`, {
        reason: "ROUTE_UNKNOWN",
        param: "service",
      });
    },
    async *watch({ service }, { signal }) {
      let told: Status | undefined;
      let change = Promise.withResolvers<void>();
      const wake = () => change.resolve();
      const unlisten = door.onChange(wake);
      signal.addEventListener("abort", wake);
      try {
        for (;;) {
          change = Promise.withResolvers<void>();
          const status = statusOf(service);
          if (status !== told) yield { status };
          told = status;
          // What waits for the end of this stream would hold up the gateway's own.
          if (door.stopping) throw errors.shuttingDown();
          if (signal.aborted) throw signal.reason;
          await change.promise;
        }
      } finally {
        unlisten();
        signal.removeEventListener("abort", wake);
      }
    },
  };
}
