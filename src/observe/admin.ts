import type { Permission } from "../core/principal.ts";
import type { Endpoint, Inbound, Mount } from "../core/protocol.ts";
import { sendJson } from "../core/rest.ts";

/** What the operators' paths look at. */
export interface AdminParts {
  /** The page for Prometheus. */
  readonly metrics: { text(): Promise<string>; readonly contentType: string };
  readonly live: {
    /** True once the gateway was told to stop. */
    readonly stopping: boolean;
    /** What does not work as it should while calls are answered all the same. */
    readonly degraded?: readonly string[];
  };
  /** Whether `/metrics` is served too: not on a port that strangers reach. */
  readonly full: boolean;
  /** What `/metrics` asks of its callers. */
  readonly metricsFor: Permission;
}

/** `/livez` and `/readyz`, and `/metrics` when `full`. A path that is none of these is answered by the port's other mounts. */
export function adminMounts({ metrics, live, full, metricsFor }: AdminParts): readonly Mount[] {
  const endpoints: Endpoint[] = [
    { method: "GET", path: "/livez", permission: "open", handle: (inbound) => sendJson(inbound, { status: "alive" }) },
    { method: "GET", path: "/readyz", permission: "open", handle: (inbound) => ready(inbound, live) },
  ];
  const show = (inbound: Inbound) => void page(inbound, metrics);
  if (full) endpoints.push({ method: "GET", path: "/metrics", permission: metricsFor, handle: show });
  // Some balancers ask for the head alone.
  endpoints.push(...endpoints.map((endpoint) => ({ ...endpoint, method: "HEAD" })));
  const refuse: Mount["refuse"] = (inbound, error) => inbound.send(error.http, TEXT, `${error.message}\n`);
  const prefixes = ["/livez", "/readyz", ...(full ? ["/metrics"] : [])];
  return [{ prefix: "", endpoints, refuse }, ...prefixes.map((prefix) => ({ prefix, endpoints: [], refuse }))];
}

const TEXT = ["content-type", "text/plain; charset=utf-8"];

function ready(inbound: Inbound, { stopping, degraded = [] }: AdminParts["live"]): void {
  if (!stopping && degraded.length > 0) sendJson(inbound, { status: "degraded", degraded });
  else if (!stopping) sendJson(inbound, { status: "ready" });
  else inbound.send(503, ["content-type", "application/json"], '{"status":"stopping"}');
}

async function page(inbound: Inbound, metrics: AdminParts["metrics"]): Promise<void> {
  try {
    const text = await metrics.text();
    inbound.send(200, ["content-type", metrics.contentType, "cache-control", "no-store"], text);
  } catch {
    inbound.send(500, TEXT, "The metrics cannot be read.\n");
  }
}
