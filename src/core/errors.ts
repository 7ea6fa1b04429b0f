/** gRPC status codes by number. https://grpc.io/docs/guides/status-codes/ */
export const GRPC = {
  canceled: 1,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** One row: what a reason is called in each dialect, and whether another target may still answer. */
export interface ReasonRow {
  /** gRPC and Connect status code. */
  readonly grpc: (typeof GRPC)[keyof typeof GRPC];
  readonly http: number;
  /** OpenAI's `error.type`. */
  readonly type: string;
  /** OpenAI's `error.code`. */
  readonly code: string | null;
  /** True: a failure before the first byte tries the next target. */
  readonly nextTarget: boolean;
  /** For `docs/errors.md`: when it happens. */
  readonly when: string;
}

const row = (
  grpc: ReasonRow["grpc"],
  http: number,
  type: string,
  code: string | null,
  nextTarget: boolean,
  when: string,
): ReasonRow => ({ grpc, http, type, code, nextTarget, when });

const INVALID = "invalid_request_error";
const SERVER = "server_error";

/** The one error table; `docs/errors.md` and the proto enum `ErrorReason` are held to it by tests. */
export const REASONS = {
  BODY_MALFORMED: row(GRPC.invalidArgument, 400, INVALID, null, false, "The body is not what its content type says."),
  FIELD_INVALID: row(GRPC.invalidArgument, 400, INVALID, null, false, "A field breaks a rule of the API."),
  BODY_TOO_LARGE: row(GRPC.resourceExhausted, 413, INVALID, null, false, "The body is over `max_request_bytes`."),
  CALLER_UNKNOWN: row(
    GRPC.unauthenticated,
    401,
    "authentication_error",
    "invalid_api_key",
    false,
    "No credential, or one that is not known here.",
  ),
  CALLER_FORBIDDEN: row(
    GRPC.permissionDenied,
    403,
    "permission_error",
    null,
    false,
    "The caller is known and may not do this.",
  ),
  ROUTE_UNKNOWN: row(GRPC.notFound, 404, INVALID, "model_not_found", false, "No route or path has this name."),
  OPERATION_UNSUPPORTED: row(
    GRPC.unimplemented,
    501,
    INVALID,
    null,
    false,
    "The route, or its provider, does not do this operation.",
  ),
  STALE_ETAG: row(GRPC.aborted, 409, INVALID, null, false, "The resource changed since it was read."),
  RATE_EXCEEDED: row(
    GRPC.resourceExhausted,
    429,
    "rate_limit_error",
    "rate_limit_exceeded",
    false,
    "Too many calls or tokens; `Retry-After` says when to come back.",
  ),
  BUDGET_SPENT: row(
    GRPC.resourceExhausted,
    429,
    "insufficient_quota",
    "insufficient_quota",
    false,
    "The budget of the caller is used up.",
  ),
  GUARDRAIL_DENIED: row(GRPC.failedPrecondition, 400, INVALID, "content_filter", false, "A guardrail refused."),
  UPSTREAM_REJECTED: row(
    GRPC.invalidArgument,
    400,
    INVALID,
    null,
    false,
    "The provider refused the request (its 400, 404, 422 ...); its status and message are kept.",
  ),
  UPSTREAM_CREDENTIALS: row(
    GRPC.unavailable,
    502,
    SERVER,
    null,
    true,
    "The provider refused the gateway's own credential (its 401, 403).",
  ),
  UPSTREAM_BUSY: row(
    GRPC.resourceExhausted,
    429,
    "rate_limit_error",
    "rate_limit_exceeded",
    true,
    "The provider is over its rate limit (its 429); its `Retry-After` is kept.",
  ),
  UPSTREAM_FAILED: row(
    GRPC.unavailable,
    502,
    SERVER,
    null,
    true,
    "The provider failed (its 5xx), or answered what cannot be read, or stopped half way.",
  ),
  UPSTREAM_UNREACHABLE: row(GRPC.unavailable, 503, SERVER, null, true, "No connection to the provider."),
  DEADLINE_PASSED: row(
    GRPC.deadlineExceeded,
    504,
    SERVER,
    "timeout",
    true,
    "The caller's deadline or one of the route's limits passed.",
  ),
  SHUTTING_DOWN: row(GRPC.unavailable, 503, SERVER, null, false, "The gateway is stopping; try again."),
  CALLER_GONE: row(GRPC.canceled, 499, INVALID, null, false, "The caller hung up; logged only."),
  INTERNAL: row(
    GRPC.internal,
    500,
    SERVER,
    null,
    false,
    "A defect of the gateway; the request id finds it in the log.",
  ),
  OVERLOADED: row(
    GRPC.unavailable,
    503,
    SERVER,
    null,
    false,
    "The gateway has more calls, or more bytes of them, than `listen.max_calls` and `listen.max_buffered_bytes` allow.",
  ),
  RESOURCE_UNKNOWN: row(GRPC.notFound, 404, INVALID, null, false, "No key, revision or other resource has this name."),
  RESOURCE_EXISTS: row(GRPC.alreadyExists, 409, INVALID, null, false, "The name is taken."),
  RESOURCE_OWNED: row(
    GRPC.failedPrecondition,
    409,
    INVALID,
    null,
    false,
    "The resource is not this API's to change, or the gateway is not in a state for it, as the message says.",
  ),
  STORE_UNAVAILABLE: row(
    GRPC.unavailable,
    503,
    SERVER,
    null,
    false,
    "The store cannot be read or written now; nothing was changed.",
  ),
} as const satisfies Record<string, ReasonRow>;

/** A stable reason; the proto enum `ErrorReason` has the same names. */
export type Reason = keyof typeof REASONS;
/** All reasons, in the order of the table. */
export const ERROR_REASONS = Object.keys(REASONS) as readonly Reason[];

/** One field that breaks a rule: `field` as a path such as `messages[0].role`. */
export interface Violation {
  readonly field: string;
  readonly description: string;
}

/** The facts of a failure, beside its sentence. */
export interface Fault {
  readonly reason: Reason;
  /** In place of the row's status, for example the provider's own 404. */
  readonly http?: number;
  /** The request member at fault. */
  readonly param?: string;
  readonly violations?: readonly Violation[];
  readonly retryAfterMs?: number;
  /** The limit that is used up, in words such as `2 per 1 minute`. */
  readonly quota?: string;
  readonly upstreamStatus?: number;
  readonly upstreamRequestId?: string;
  /** The provider's own answer with its media type, without keys; empty where it is no refusal. For callers of MLflow's alone. */
  readonly said?: { readonly type: string | undefined; readonly text: string };
  /** In place of the row's OpenAI type and code, such as the provider's own. */
  readonly type?: string;
  readonly code?: string | null;
  /** For a path that does not take the method: those it takes. */
  readonly allow?: string;
  /** Which of the four limits passed; for the log and metrics. */
  readonly limit?: "connect" | "first_byte" | "chunk" | "total" | "caller";
}

/**
 * The one error that reaches a caller. Its message is a full sentence that a stranger can act on; `cause` goes to the log
 * and never to a caller. It carries no stack: it is an answer, made on the hot path, and what threw is its `cause`.
 */
export class GatewayError extends Error {
  readonly fault: Fault;
  constructor(message: string, fault: Fault, cause?: unknown) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message, cause === undefined ? undefined : { cause });
    Error.stackTraceLimit = limit;
    this.name = "GatewayError";
    this.fault = fault;
  }
  get row(): ReasonRow {
    return REASONS[this.fault.reason];
  }
  /** The HTTP status for REST callers. */
  get http(): number {
    return this.fault.http ?? this.row.http;
  }
}

/** Whatever was thrown as a `GatewayError`; a stranger becomes INTERNAL with the thing as its cause. */
export function asGatewayError(thrown: unknown): GatewayError {
  return thrown instanceof GatewayError
    ? thrown
    : new GatewayError("The gateway failed; quote the request id to its operator.", { reason: "INTERNAL" }, thrown);
}

/** Makers for the failures that more than one module raises. */
export const errors = {
  bodyMalformed: (why: string, cause?: unknown) => new GatewayError(why, { reason: "BODY_MALFORMED" }, cause),
  fieldInvalid: (violations: readonly [Violation, ...Violation[]]) =>
    new GatewayError(violations.map((one) => `${one.field}: ${one.description}`).join("; "), {
      reason: "FIELD_INVALID",
      param: violations[0].field,
      violations,
    }),
  bodyTooLarge: (limitBytes: number) =>
    new GatewayError(`The body is larger than the limit of ${limitBytes} bytes.`, { reason: "BODY_TOO_LARGE" }),
  /** @param param Where the name stands in the request. */
  routeUnknown: (name: string, param = "model") =>
    new GatewayError(`No route is named ${JSON.stringify(clip(name))}.`, { reason: "ROUTE_UNKNOWN", param }),
  pathUnknown: (method: string, path: string) =>
    new GatewayError(`Nothing is served at ${clip(method)} ${clip(path)}.`, { reason: "ROUTE_UNKNOWN", code: null }),
  resourceUnknown: (what: string) => new GatewayError(what, { reason: "RESOURCE_UNKNOWN" }),
  resourceExists: (what: string) => new GatewayError(what, { reason: "RESOURCE_EXISTS" }),
  resourceOwned: (what: string) => new GatewayError(what, { reason: "RESOURCE_OWNED" }),
  callerForbidden: (what: string) => new GatewayError(what, { reason: "CALLER_FORBIDDEN" }),
  staleEtag: (what: string) => new GatewayError(what, { reason: "STALE_ETAG" }),
  storeUnavailable: (why: string, cause?: unknown) =>
    new GatewayError(why, { reason: "STORE_UNAVAILABLE", retryAfterMs: 1000 }, cause),
  operationUnsupported: (what: string) => new GatewayError(what, { reason: "OPERATION_UNSUPPORTED" }),
  upstreamFailed: (why: string, cause?: unknown, upstreamStatus?: number) =>
    new GatewayError(
      why,
      upstreamStatus === undefined ? { reason: "UPSTREAM_FAILED" } : { reason: "UPSTREAM_FAILED", upstreamStatus },
      cause,
    ),
  unreachable: (provider: string, cause?: unknown) =>
    new GatewayError(`The provider ${provider} cannot be reached.`, { reason: "UPSTREAM_UNREACHABLE" }, cause),
  deadline: (why: string, limit: NonNullable<Fault["limit"]>, cause?: unknown) =>
    new GatewayError(why, { reason: "DEADLINE_PASSED", limit }, cause),
  callerGone: () => new GatewayError("The caller hung up.", { reason: "CALLER_GONE" }),
  shuttingDown: () =>
    new GatewayError("The gateway is shutting down; try again.", { reason: "SHUTTING_DOWN", retryAfterMs: 1000 }),
  /** It costs the caller nothing but time: nothing was sent to a provider. */
  overloaded: () =>
    new GatewayError("The gateway has too much to do; try again.", { reason: "OVERLOADED", retryAfterMs: 1000 }),
};

/** A caller's text, short enough to repeat. */
export function clip(text: string, most = 120): string {
  return text.length <= most ? text : `${text.slice(0, most)}...`;
}
