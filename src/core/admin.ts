import type { Principal } from "./principal.ts";

/** Who asks the admin API for something, and from where. */
export interface Actor {
  readonly principal: Principal;
  readonly remote: string;
  /** `x-request-id`. */
  readonly requestId: string;
}

/**
 * The admin API, whatever the protocol. A method is named as in its path, such as
 * `polygate.admin.v1.RouteAdminService/CreateRoute`; requests and answers are the messages of the protos. It checks what the actor
 * may do, and writes down every act, refused ones too. Throws `GatewayError`.
 *
 * One thread of a process has it; the others ask that one (`RemoteAdmin`).
 */
export interface AdminApi {
  call(method: string, request: object, actor: Actor): Promise<object>;
  /** Of server streams. Ends when `signal` is aborted. */
  stream(method: string, request: object, actor: Actor, signal: AbortSignal): AsyncIterable<object>;
  /** Writes down what was refused before it came here, such as a caller whom nobody knows. Never throws; may leave some out. */
  refused(method: string, reason: string, actor: Actor): void;
}
