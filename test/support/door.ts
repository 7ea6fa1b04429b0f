/** The production port, router and protocols over a site made by hand: no config file, no process. */
import { randomUUID } from "node:crypto";
import { errors } from "../../src/core/errors.ts";
import { ANYBODY } from "../../src/core/grants.ts";
import type { Plan, Target } from "../../src/core/plan.ts";
import type { Inbound, Mount } from "../../src/core/protocol.ts";
import { type Door, ROUTE_TYPES, type RouteInfo, type RouteType, type Site } from "../../src/core/site.ts";
import { realClock } from "../../src/net/clock.ts";
import type { Host } from "../../src/net/host.ts";
import { LISTEN_DEFAULTS, type Listening, type ListenSettings, listen } from "../../src/net/listen.ts";
import { OpenSet } from "../../src/net/open.ts";
import { Router } from "../../src/net/router.ts";
import { planOf } from "./plan.ts";

/** One route of a hand-made site. */
export interface HandRoute {
  readonly name: string;
  readonly type: RouteType;
  readonly targets: readonly Target[];
  readonly over?: Partial<Plan>;
}

/** A site of these routes. Limits are real ones: 10 s to the first byte, 10 s of silence, 30 s in all. */
export function siteOf(routes: readonly HandRoute[], over: Partial<Site> = {}): Site {
  const made = new Map(
    routes.map(({ name, type, targets, over: limits }) => {
      const op = ROUTE_TYPES[type];
      const real = { firstByteMs: 10_000, chunkMs: 10_000, totalMs: 30_000 };
      const plan = planOf(targets, { route: name, op, ...real, ...limits });
      const info: RouteInfo = {
        name,
        routeType: type,
        op,
        targets: targets.map(({ provider, model }) => ({ provider, model })),
      };
      return [name, { plan, info }];
    }),
  );
  return {
    generation: 1,
    revision: 7,
    loadedAt: 1_700_000_000,
    routes: [...made.values()].map(({ info }) => info),
    route: (name) => made.get(name)?.info,
    plan(op, name) {
      const found = made.get(name);
      if (!found) throw errors.routeUnknown(name);
      if (found.plan.op !== op) throw errors.operationUnsupported(`The route ${name} does not do ${op}.`);
      return found.plan;
    },
    maxRequestBytes: 1_000_000,
    origins: [],
    cors: { origins: [], maxAgeSeconds: 0 },
    ...over,
  };
}

/** An open door. `await using` closes it. */
export interface OpenDoor extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly door: Door & { site: Site; stopping: boolean };
  readonly listening: Listening;
  /** Exchanges that are over, in the order in which they ended. */
  readonly finished: readonly Inbound[];
  /** Exchanges that began and are not over. */
  readonly underWay: Iterable<Inbound> & { readonly size: number };
  /** Tells every listener that the site changed. */
  change(): void;
}

/** Serves mounts on a free port of the loopback. */
export async function openDoor(
  site: Site,
  mounts: (door: Door) => readonly Mount[],
  settings: Partial<ListenSettings> = {},
): Promise<OpenDoor> {
  const listeners = new Set<() => void>();
  const door = {
    site,
    stopping: false,
    clock: realClock,
    onChange(listener: () => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const router = new Router(mounts(door));
  const open: Host["open"] = new OpenSet();
  const finished: Inbound[] = [];
  const port = await listen(
    { ...LISTEN_DEFAULTS, host: "127.0.0.1", port: 0, tls: undefined, ...settings },
    {
      clock: realClock,
      newId: randomUUID,
      open,
      handle(inbound, flaw) {
        inbound.principal = ANYBODY;
        if (flaw) router.refuse(inbound, flaw);
        else router.route(inbound);
      },
      refuse: (inbound, error) => router.refuse(inbound, error),
      finished: (inbound) => void finished.push(inbound),
    },
  );
  return {
    url: `${settings.tls ? "https" : "http"}://127.0.0.1:${port.port}`,
    port: port.port,
    door,
    listening: port,
    finished,
    underWay: open,
    change() {
      for (const listener of listeners) listener();
    },
    async [Symbol.asyncDispose]() {
      port.cut();
      await port.drain();
    },
  };
}
