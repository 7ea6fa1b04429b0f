import type { Operation } from "./call.ts";

/** What admin keys may be allowed to do. */
export const ADMIN_PERMISSIONS = [
  "routes.read",
  "routes.write",
  "keys.read",
  "keys.write",
  "audit.read",
  "metrics.read",
] as const;

/** One of them. */
export type AdminPermission = (typeof ADMIN_PERMISSIONS)[number];

/**
 * What an endpoint asks of its caller. `open`: nothing. `inference`: to be known; which operation on which route is asked once
 * the body says it. `listed`: to be known; it shows the routes that the caller may use.
 */
export type Permission = "open" | "inference" | "listed" | AdminPermission;

const PERMISSIONS: ReadonlySet<string> = new Set(["open", "inference", "listed", ...ADMIN_PERMISSIONS]);

/** Whether a text is one of them, as the protos have them as texts. */
export function isPermission(text: string | undefined): text is Permission {
  return text !== undefined && PERMISSIONS.has(text);
}

/** A part of what somebody may do: all of the operations, on all of the routes. `*` stands for any letters. */
export interface Grant {
  readonly realm: "inference" | "admin";
  /** Never empty; `*` is all of the realm. */
  readonly operations: readonly string[];
  /** Globs of names; never empty. */
  readonly routes: readonly string[];
}

/** Whom the gateway takes a caller for. Made when a key becomes known, not for each call. */
export interface Principal {
  /** In limits, logs and the history; empty: nobody was asked. Never a credential. */
  readonly name: string;
  /** Of a key of the store; empty: it stands in the file, or nobody was asked. */
  readonly keyId: string;
  readonly grants: readonly Grant[];
  /** Whether it may do this on some route. */
  mayAsk(permission: Permission): boolean;
  /** Whether it may change or read this route by the admin API. */
  mayManage(permission: AdminPermission, route: string): boolean;
  /** Whether it may call this route. */
  mayCall(op: Operation, route: string): boolean;
}
