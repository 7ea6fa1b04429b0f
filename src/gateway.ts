import { randomUUID } from "node:crypto";
import { processEnvironment } from "./config/secrets.ts";
import type { AdminApi } from "./core/admin.ts";
import { asGatewayError, errors, GatewayError } from "./core/errors.ts";
import { NOBODY } from "./core/grants.ts";
import { ADMIN_PERMISSIONS, type Principal } from "./core/principal.ts";
import type { Endpoint, Inbound, Mount, Seen } from "./core/protocol.ts";
import type { Tools } from "./core/provider.ts";
import type { Door } from "./core/site.ts";
import { realClock } from "./net/clock.ts";
import { allowOrigin, foreign } from "./net/cors.ts";
import type { Host } from "./net/host.ts";
import { LISTEN_DEFAULTS, type Listening, type ListenSettings, listen } from "./net/listen.ts";
import { OpenSet } from "./net/open.ts";
import { type Refused, Router } from "./net/router.ts";
import type { Observer } from "./observe/observer.ts";
import { loadProtocols } from "./registry.ts";
import type { LiveSite } from "./site.ts";
import { unaskedAt } from "./unasked.ts";

/** Real time and chance, and the process's own environment. */
export const realTools: Tools = {
  clock: realClock,
  wallNow: () => Date.now(),
  random: () => Math.random(),
  env: (name) => processEnvironment[name],
};

/** What one port serves. */
export interface Serving {
  readonly live: LiveSite;
  readonly observer: Observer;
  /** Mounts beside the protocols', such as `/metrics`. */
  readonly mounts: readonly Mount[];
  readonly settings: Pick<ListenSettings, "host" | "port" | "tls"> & Partial<ListenSettings>;
  /** Most calls under way at a time; default 4096. */
  readonly maxCalls?: number;
  /** Absent where there is none. */
  readonly admin?: AdminApi | undefined;
  /** The config names a store. */
  readonly keeps?: boolean;
  /** The operators' port: of the protocols only what is theirs. */
  readonly operators?: boolean;
}

/** An open main port, and a way to end what is still under way on it. */
export interface Served extends Listening {
  /** Tells every call under way that the gateway is shutting down, in its protocol's own form. How many there were. */
  stopCalls(): number;
}

/** Opens the main port: every protocol, one pipeline. */
export async function serve(serving: Serving): Promise<Served> {
  const { live, observer, mounts, settings, maxCalls = 4096, admin, operators = false } = serving;
  const door: Door = {
    get site() {
      return live.site;
    },
    get stopping() {
      return live.stopping;
    },
    clock: realClock,
    admin,
    keeps: serving.keeps === true,
    onChange: (listener) => live.onChange(listener),
  };
  const protocols = await loadProtocols();
  const all = protocols.flatMap((one) => {
    const own = operators ? (one.adminMounts?.(door) ?? []) : one.mounts(door);
    return own.map((mount) => named(one.kind, mount));
  });
  const router = new Router([...all, ...mounts], audited(admin));
  const anyone = unaskedAt(settings.host);
  let calls = 0;
  const uncount = (inbound: Inbound) => {
    if (inbound.counted) calls--;
    inbound.counted = false;
  };
  // The last resort of what failed: nobody is above it, and what it threw would end the process.
  const refuse = (inbound: Inbound, error: GatewayError) => {
    // Who was refused may go on sending for a while, and takes no place from a call.
    uncount(inbound);
    try {
      router.refuse(inbound, error);
    } catch {
      inbound.reset();
    }
  };
  const turnAway = (inbound: Inbound, error: GatewayError) => {
    if (error.fault.reason === "CALLER_UNKNOWN") router.strange(inbound, error);
    refuse(inbound, error);
  };
  const enter = (inbound: Inbound, known: Principal | GatewayError) => {
    if (known instanceof GatewayError) {
      turnAway(inbound, known);
      return;
    }
    inbound.principal = known;
    router.route(inbound);
  };
  const admit = (inbound: Inbound) => {
    const { admit: ask, cors } = live.site;
    const known = ask === undefined ? anyone(inbound, cors.origins) : router.isOpen(inbound) ? NOBODY : ask(inbound);
    if (!(known instanceof Promise)) enter(inbound, known);
    else known.then((who) => enter(inbound, who)).catch((thrown) => turnAway(inbound, asGatewayError(thrown)));
  };
  // What only looks may last, as a watch of health does, and strangers may ask for it: it is no call, and when there is too
  // much of it the oldest ends, so that whoever asks for health is answered.
  const looking = new Set<Inbound>();
  const look = (inbound: Inbound) => {
    looking.add(inbound);
    if (looking.size <= maxCalls) return;
    const [oldest] = looking;
    looking.delete(oldest!);
    oldest!.onStop?.(errors.overloaded());
  };
  const handle = (inbound: Inbound, flaw?: GatewayError) => {
    observer.began(inbound);
    try {
      if (allowOrigin(inbound, live.site.cors)) return;
      const refusal = flaw ?? foreign(inbound, live.site.cors);
      if (refusal) refuse(inbound, refusal);
      // What only looks, health checks of every protocol among it, is answered to the end.
      else if (inbound.method !== "POST" || router.isOpen(inbound)) {
        look(inbound);
        admit(inbound);
      } else if (live.stopping) refuse(inbound, errors.shuttingDown());
      else if (calls >= maxCalls) refuse(inbound, errors.overloaded());
      else {
        calls++;
        inbound.counted = true;
        admit(inbound);
      }
    } catch (thrown) {
      turnAway(inbound, asGatewayError(thrown));
    }
  };
  const unread = (seen: Seen) => {
    observer.began(seen);
    observer.finished(seen);
  };
  const finished = (inbound: Inbound) => {
    uncount(inbound);
    if (looking.size > 0) looking.delete(inbound);
    observer.finished(inbound);
  };
  const host = hostOf({ handle, refuse, finished, unread });
  const listening = await listen({ ...LISTEN_DEFAULTS, ...settings }, host);
  const stopCalls = () => {
    const all = [...host.open];
    for (const inbound of all) inbound.onStop?.(errors.shuttingDown());
    return all.length;
  };
  const drain = () => {
    // Who only looks would look to the end of time.
    for (const inbound of looking) inbound.onStop?.(errors.shuttingDown());
    return listening.drain();
  };
  return { ...listening, drain, stopCalls };
}

const ADMIN: ReadonlySet<string> = new Set(ADMIN_PERMISSIONS);

/** Has refusals of what only admins may do written down. */
function audited(admin: AdminApi | undefined): Refused | undefined {
  if (admin === undefined) return undefined;
  return ({ method, path, principal, remote, id }, permission, error) => {
    if (!ADMIN.has(permission)) return;
    const what = path.startsWith("/polygate.") ? path.slice(1) : `${method} ${path}`;
    admin.refused(what, error.fault.reason, { principal, remote, requestId: id });
  };
}

/** The mount, noting on each exchange whose it is. */
function named(kind: string, mount: Mount): Mount {
  const noting = (endpoint: Endpoint): Endpoint => ({
    ...endpoint,
    handle(inbound, params) {
      inbound.protocol = kind;
      endpoint.handle(inbound, params);
    },
  });
  return {
    ...mount,
    endpoints: mount.endpoints.map(noting),
    finds(path) {
      const found = mount.finds?.(path);
      return found && noting(found);
    },
    refuse(inbound, error) {
      // A path that belongs to nobody is answered by somebody all the same.
      if (mount.prefix.length > 1 || mount.claims) inbound.protocol = kind;
      mount.refuse(inbound, error);
    },
  };
}

/** A host with real time and random request ids. */
export function hostOf(own: Pick<Host, "handle" | "refuse" | "finished" | "unread">): Host {
  return { clock: realClock, newId: randomUUID, open: new OpenSet(), ...own };
}
