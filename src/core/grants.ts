import type { Operation } from "./call.ts";
import { errors, type GatewayError } from "./errors.ts";
import { ownText } from "./own-text.ts";
import { ADMIN_PERMISSIONS, type AdminPermission, type Grant, type Permission, type Principal } from "./principal.ts";
import { ROUTE_TYPES, type RouteInfo, type Site } from "./site.ts";

/** Decisions that one principal keeps; names of routes come and go. */
const MAX_DECISIONS = 4096;

/** Whom the grants make of a caller. A name or key id that is empty: nobody was asked, or the key stands in the file. */
export function principalOf(name: string, keyId: string, grants: readonly Grant[]): Principal {
  return new Granted(name, keyId, grants);
}

/** Any letters, none too, where the glob has `*`; every other letter is itself. Linear in what each star leaves to be tried. */
export function matches(glob: string, text: string): boolean {
  let at = 0;
  let back = -1;
  let star = -1;
  let here = 0;
  while (at < text.length) {
    if (glob[here] === "*") {
      star = here++;
      back = at;
    } else if (here < glob.length && glob[here] === text[at]) {
      here++;
      at++;
    } else if (star >= 0) {
      // The last star takes one letter more.
      here = star + 1;
      at = ++back;
    } else return false;
  }
  while (glob[here] === "*") here++;
  return here === glob.length;
}

/**
 * Whether all that is asked for is part of what somebody has: each operation on each glob of routes must lie within one grant.
 * What several grants have together only is not seen, and so refused.
 *
 * A glob lies within another exactly when the other matches it as a text: its own `*` is a letter that no name has, which
 * nothing but a star can take, and what the star takes there it takes of any letters.
 */
export function within(asked: readonly Grant[], own: readonly Grant[]): boolean {
  return asked.every(({ realm, operations, routes }) =>
    operations.every((operation) => {
      const fit = own.filter((one) => one.realm === realm && has(one, operation));
      return routes.every((route) => fit.some((one) => one.routes.some((glob) => matches(glob, route))));
    }),
  );
}

/** `*` is had by `*` alone: it stands for operations that come later, too. */
function has({ operations }: Grant, operation: string): boolean {
  return operations.includes("*") || operations.includes(operation);
}

class Granted implements Principal {
  readonly name: string;
  readonly keyId: string;
  readonly grants: readonly Grant[];
  private readonly asks: ReadonlySet<Permission>;
  /** By operation, then by route. */
  private readonly calls = new Map<Operation, Map<string, boolean>>();

  constructor(name: string, keyId: string, grants: readonly Grant[]) {
    this.name = name;
    this.keyId = keyId;
    this.grants = grants;
    this.asks = asksOf(grants);
  }

  mayAsk(permission: Permission): boolean {
    return this.asks.has(permission);
  }

  mayManage(permission: AdminPermission, route: string): boolean {
    return this.may("admin", permission, route);
  }

  mayCall(op: Operation, route: string): boolean {
    let known = this.calls.get(op);
    if (known === undefined) {
      known = new Map();
      this.calls.set(op, known);
    }
    let decided = known.get(route);
    if (decided === undefined) {
      decided = this.may("inference", op, route);
      if (known.size >= MAX_DECISIONS) known.clear();
      known.set(ownText(route), decided);
    }
    return decided;
  }

  private may(realm: Grant["realm"], operation: string, route: string): boolean {
    return this.grants.some(
      (one) => one.realm === realm && has(one, operation) && one.routes.some((glob) => matches(glob, route)),
    );
  }
}

function asksOf(grants: readonly Grant[]): ReadonlySet<Permission> {
  const asks = new Set<Permission>(["open"]);
  const admin = grants.filter(({ realm }) => realm === "admin");
  for (const one of ADMIN_PERMISSIONS) if (admin.some((grant) => has(grant, one))) asks.add(one);
  const calls = grants.some(({ realm }) => realm === "inference");
  if (calls) asks.add("inference");
  if (calls || asks.has("routes.read")) asks.add("listed");
  return asks;
}

/** Every call on every route: what a key of the config file may do that says nothing else. */
export const INFERENCE: Grant = { realm: "inference", operations: ["*"], routes: ["*"] };
/** All of the admin API. */
export const ADMIN: Grant = { realm: "admin", operations: ["*"], routes: ["*"] };

/** A grant as it is written down, where nothing said is all. */
export function grantOf(realm: Grant["realm"], operations: readonly string[], routes: readonly string[]): Grant {
  return { realm, operations: allOr(operations), routes: allOr(routes) };
}

/** What a key of the config file may do, by its scopes as the file has them. */
export function grantsOfFile(
  scopes: readonly {
    readonly realm: string;
    readonly operations: readonly string[];
    readonly routes: readonly string[];
  }[],
): readonly Grant[] {
  if (scopes.length === 0) return [INFERENCE];
  return scopes.map(({ realm, operations, routes }) => grantOf(realm as Grant["realm"], operations, routes));
}

function allOr(words: readonly string[]): readonly string[] {
  return words.length === 0 ? ["*"] : [...words];
}

/** What may stand among the operations of a grant; `undefined`: there is no such realm. */
export function operationsOf(realm: string): readonly string[] | undefined {
  if (realm === "admin") return [...ADMIN_PERMISSIONS, "*"];
  return realm === "inference" ? [...new Set(Object.values(ROUTE_TYPES)), "*"] : undefined;
}

/** Nobody is asked for a key, and all who come are from this machine. */
export const ANYBODY = principalOf("", "", [INFERENCE, ADMIN]);
/** Nobody is asked for a key, and whoever comes may be from anywhere: the gateway itself is not theirs. */
export const GUEST = principalOf("", "", [INFERENCE]);
/** Who was not let in yet, or not at all. */
export const NOBODY = principalOf("", "", []);

/** The routes that somebody is told of: those that it may call, and those that it may read by the admin API. */
export function listedFor(principal: Principal, { routes }: Site): readonly RouteInfo[] {
  return routes.filter((route) => isListed(principal, route));
}

/** The route of this name, when there is one that `listedFor` tells of. */
export function listedRoute(principal: Principal, site: Site, name: string): RouteInfo | undefined {
  const route = site.route(name);
  return route && isListed(principal, route) ? route : undefined;
}

function isListed(principal: Principal, { op, name }: RouteInfo): boolean {
  return principal.mayCall(op, name) || principal.mayManage("routes.read", name);
}

/** What a caller is told that may not do the operation on the route. */
export function forbiddenCall({ name }: Principal, op: Operation, route: string): GatewayError {
  return errors.callerForbidden(`${whoseKey(name)} may not do ${op} on the route ${JSON.stringify(route)}.`);
}

/** What a caller is told that may not ask for this anywhere. */
export function forbidden({ name }: Principal, permission: Permission): GatewayError {
  const what = permission === "inference" ? "call models" : `do this; it needs the permission ${permission}`;
  return errors.callerForbidden(`${whoseKey(name)} may not ${what}.`);
}

function whoseKey(name: string): string {
  return name === "" ? "A caller without a key" : `The key ${JSON.stringify(name)}`;
}
