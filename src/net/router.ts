import { errors, GatewayError } from "../core/errors.ts";
import type { Endpoint, Inbound, Mount } from "../core/protocol.ts";

/** Finds the endpoint of a request: exact paths by one map look-up, the few with parameters by their segments. */
export class Router {
  private readonly exact = new Map<string, Endpoint>();
  private readonly patterns: {
    readonly segments: readonly string[];
    readonly endpoint: Endpoint;
    readonly mount: Mount;
  }[] = [];
  private readonly mounts: readonly Mount[];
  private readonly methods = new Map<string, Set<string>>();

  constructor(mounts: readonly Mount[]) {
    this.mounts = [...mounts].sort((a, b) => b.prefix.length - a.prefix.length);
    for (const mount of mounts) {
      for (const endpoint of mount.endpoints) {
        if (endpoint.path.includes("{")) {
          this.patterns.push({ segments: endpoint.path.split("/"), endpoint, mount });
        } else {
          this.exact.set(`${endpoint.method} ${endpoint.path}`, endpoint);
          const known = this.methods.get(endpoint.path) ?? new Set();
          this.methods.set(endpoint.path, known.add(endpoint.method));
        }
      }
    }
  }

  /** Runs the endpoint, or has the mount of its prefix refuse: 405 with `allow` for a known path, else 404. */
  route(inbound: Inbound): void {
    const endpoint = this.exact.get(`${inbound.method} ${inbound.path}`);
    if (endpoint) {
      endpoint.handle(inbound, NONE);
      return;
    }
    const segments = inbound.path.split("/");
    const allowed = new Set(this.methods.get(inbound.path));
    for (const one of this.patterns) {
      const params = match(one.segments, segments);
      if (params === undefined) continue;
      if (one.endpoint.method === inbound.method) {
        one.endpoint.handle(inbound, params);
        return;
      }
      allowed.add(one.endpoint.method);
    }
    this.mountOf(inbound).refuse(
      inbound,
      allowed.size > 0 ? methodUnknown(inbound, allowed) : errors.pathUnknown(inbound.method, inbound.path),
    );
  }

  /** Whether everybody is answered here, known or not. */
  isOpen({ method, path }: Inbound): boolean {
    return this.exact.get(`${method} ${path}`)?.open === true;
  }

  /** For a failure before any endpoint ran. */
  refuse(inbound: Inbound, error: GatewayError): void {
    this.mountOf(inbound).refuse(inbound, error);
  }

  private mountOf(inbound: Inbound): Mount {
    return this.mounts.find((one) => one.claims?.(inbound) ?? inbound.path.startsWith(one.prefix))!;
  }
}

const NONE: readonly string[] = [];

function methodUnknown(inbound: Inbound, allowed: ReadonlySet<string>): GatewayError {
  const allow = [...allowed].sort().join(", ");
  return new GatewayError(`${inbound.path} takes ${allow}, not ${inbound.method}.`, {
    reason: "ROUTE_UNKNOWN",
    http: 405,
    code: null,
    allow,
  });
}

/** Values of the `{...}` segments, percent-decoded; `undefined`: no match, or not decodable. */
function match(pattern: readonly string[], segments: readonly string[]): readonly string[] | undefined {
  if (pattern.length !== segments.length) return undefined;
  const params: string[] = [];
  for (let i = 0; i < pattern.length; i++) {
    const want = pattern[i]!;
    const have = segments[i]!;
    if (!want.startsWith("{")) {
      if (want !== have) return undefined;
      continue;
    }
    if (have === "") return undefined;
    try {
      params.push(have.includes("%") ? decodeURIComponent(have) : have);
    } catch {
      return undefined;
    }
  }
  return params;
}
