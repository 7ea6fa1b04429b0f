import { errors, GatewayError } from "../core/errors.ts";
import { forbidden } from "../core/grants.ts";
import { ownText } from "../core/own-text.ts";
import { isPermission, type Permission } from "../core/principal.ts";
import type { Endpoint, Inbound, Mount } from "../core/protocol.ts";

/** Told of a request that its caller may not make: nobody knows the caller, or it lacks the permission. */
export type Refused = (inbound: Inbound, permission: Permission, error: GatewayError) => void;

/**
 * Finds the endpoint of a request: exact paths by one map look-up, the few with parameters by their segments. Runs it for those
 * who may ask it, and refuses the others.
 */
export class Router {
  /** By path, then by method. */
  private readonly exact = new Map<string, Map<string, Endpoint>>();
  private readonly patterns: {
    readonly segments: readonly string[];
    /** What a path begins with that it matches. */
    readonly prefix: string;
    readonly endpoint: Endpoint;
    readonly methods: readonly string[];
    readonly mount: Mount;
  }[] = [];
  /** What patterns gave for paths that were asked for before, by path: the same names are asked for again and again. */
  private readonly matched = new Map<string, readonly Matched[]>();
  private readonly mounts: readonly Mount[];
  private readonly refused: Refused | undefined;

  /** Throws when an endpoint does not say what it asks of its callers: nothing is served by oversight. */
  constructor(mounts: readonly Mount[], refused?: Refused) {
    this.refused = refused;
    this.mounts = [...mounts].sort((a, b) => b.prefix.length - a.prefix.length);
    for (const mount of mounts) {
      for (const endpoint of mount.endpoints) {
        assertDecided(endpoint);
        if (endpoint.path.includes("{")) {
          const prefix = endpoint.path.slice(0, endpoint.path.indexOf("{"));
          const methods = methodsOf(endpoint);
          this.patterns.push({ segments: endpoint.path.split("/"), prefix, endpoint, methods, mount });
        } else {
          const known = this.exact.get(endpoint.path) ?? new Map<string, Endpoint>();
          for (const method of methodsOf(endpoint)) known.set(method, besides(known.get(method), endpoint));
          this.exact.set(endpoint.path, known);
        }
      }
    }
  }

  /** Runs the endpoint, or has the mount of its prefix refuse: 405 with `allow` for a known path, else 404. */
  route(inbound: Inbound): void {
    const { method, path } = inbound;
    const known = this.exact.get(path);
    const endpoint = known?.get(method);
    if (endpoint) {
      this.enter(endpoint, inbound, NONE);
      return;
    }
    const matched = this.matching(path);
    for (const { endpoint, methods, params } of matched) {
      if (!methods.includes(method)) continue;
      this.enter(endpoint, inbound, params);
      return;
    }
    const allowed = [...(known?.keys() ?? []), ...matched.flatMap(({ methods }) => methods)];
    const found = allowed.length > 0 ? undefined : this.find(path);
    if (found && methodsOf(found).includes(method)) {
      this.enter(found, inbound, NONE);
      return;
    }
    if (found) allowed.push(...methodsOf(found));
    const error = allowed.length > 0 ? methodUnknown(inbound, new Set(allowed)) : errors.pathUnknown(method, path);
    this.mountOf(inbound).refuse(inbound, error);
  }

  /** The endpoints with parameters that have this path, in their order. */
  private matching(path: string): readonly Matched[] {
    const known = this.matched.get(path);
    if (known !== undefined) return known;
    const own = ownText(path);
    const segments = own.split("/");
    const found = this.patterns.flatMap(({ prefix, segments: pattern, endpoint, methods }) => {
      const params = path.startsWith(prefix) ? match(pattern, segments) : undefined;
      return params === undefined ? [] : { endpoint, methods, params };
    });
    if (found.length > 0 && path.length <= MAX_KNOWN_PATH) {
      if (this.matched.size >= MAX_KNOWN_PATHS) this.matched.clear();
      this.matched.set(own, found);
    }
    return found;
  }

  private find(path: string): Endpoint | undefined {
    for (const mount of this.mounts) {
      const found = mount.finds?.(path);
      if (found) return found;
    }
    return undefined;
  }

  /** Whether everybody is answered here, known or not. */
  isOpen({ method, path }: Inbound): boolean {
    return this.exact.get(path)?.get(method)?.permission === "open";
  }

  /** Tells whoever wants to know of it that somebody asked for this whom nobody knows. */
  strange(inbound: Inbound, error: GatewayError): void {
    const { method, path } = inbound;
    const endpoint = this.exact.get(path)?.get(method) ?? this.among(method, path);
    if (endpoint !== undefined) this.refused?.(inbound, endpoint.permission, error);
  }

  private among(method: string, path: string): Endpoint | undefined {
    const segments = path.split("/");
    return this.patterns.find((one) => one.methods.includes(method) && match(one.segments, segments))?.endpoint;
  }

  private enter(endpoint: Endpoint, inbound: Inbound, params: readonly string[]): void {
    const { permission } = endpoint;
    const { principal } = inbound;
    if (principal.mayAsk(permission)) {
      endpoint.handle(inbound, params);
      return;
    }
    const error = forbidden(principal, permission);
    this.refused?.(inbound, permission, error);
    this.refuse(inbound, error);
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
/** Paths that are known again, and how long they may be: who asks can make them up. */
const MAX_KNOWN_PATHS = 512;
const MAX_KNOWN_PATH = 256;

/** An endpoint whose path has parameters, and what they are in one path. */
interface Matched {
  readonly endpoint: Endpoint;
  readonly methods: readonly string[];
  readonly params: readonly string[];
}

function assertDecided({ method, path, permission }: Endpoint): void {
  if (!isPermission(permission)) throw new Error(`${method} ${path} does not say what it asks of its callers`);
  if (permission === "open" && path.includes("{")) throw new Error(`${method} ${path} is open, and no single path`);
}

/** Two protocols at one path: whose the request is says the one that claims. */
function besides(known: Endpoint | undefined, endpoint: Endpoint): Endpoint {
  if (known === undefined) return endpoint;
  const [special, usual] = endpoint.claims ? [endpoint, known] : [known, endpoint];
  if (special.claims === undefined) return endpoint;
  if (special.permission !== usual.permission) {
    throw new Error(
      `${usual.method} ${usual.path} asks ${usual.permission} of some and ${special.permission} of others`,
    );
  }
  return {
    ...usual,
    handle: (inbound, params) => (special.claims!(inbound) ? special : usual).handle(inbound, params),
  };
}

/** Whoever may GET may ask with HEAD for the same answer without its body, which the port leaves out. */
function methodsOf({ method, head = true }: Endpoint): readonly string[] {
  return method === "GET" && head ? ["GET", "HEAD"] : [method];
}

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
  // Most differ in their last words.
  const end = pattern.at(-1)!;
  if (!end.startsWith("{") && end !== segments.at(-1)) return undefined;
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
