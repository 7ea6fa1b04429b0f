import { randomUUID } from "node:crypto";
import { errors } from "./core/errors.ts";
import type { Inbound, Mount } from "./core/protocol.ts";
import type { Tools } from "./core/provider.ts";
import type { Door } from "./core/site.ts";
import { realClock } from "./net/clock.ts";
import { allowOrigin } from "./net/cors.ts";
import { wellFormed } from "./net/guard.ts";
import type { Host } from "./net/host.ts";
import { LISTEN_DEFAULTS, type Listening, type ListenSettings, listen } from "./net/listen.ts";
import { Router } from "./net/router.ts";
import type { Observer } from "./observe/observer.ts";
import { loadProtocols } from "./registry.ts";
import type { LiveSite } from "./site.ts";

/** Real time and chance. */
export const realTools: Tools = { clock: realClock, wallNow: () => Date.now(), random: () => Math.random() };

/** What one port serves. */
export interface Serving {
  readonly live: LiveSite;
  readonly observer: Observer;
  /** Mounts beside the protocols', such as `/metrics`. */
  readonly mounts: readonly Mount[];
  readonly settings: Pick<ListenSettings, "host" | "port" | "tls"> & Partial<ListenSettings>;
}

/** Opens the main port: every protocol, one pipeline. */
export async function serve({ live, observer, mounts, settings }: Serving): Promise<Listening> {
  const door: Door = {
    get site() {
      return live.site;
    },
    get stopping() {
      return live.stopping;
    },
    clock: realClock,
    onChange: (listener) => live.onChange(listener),
  };
  const protocols = await loadProtocols();
  const router = new Router([...protocols.flatMap((protocol) => protocol.mounts(door)), ...mounts]);
  const handle = (inbound: Inbound) => {
    observer.began(inbound);
    if (allowOrigin(inbound, live.site.cors)) return;
    const fault = wellFormed(inbound);
    if (fault) router.refuse(inbound, fault);
    else if (live.stopping) router.refuse(inbound, errors.shuttingDown());
    else router.route(inbound);
  };
  return listen(
    { ...LISTEN_DEFAULTS, ...settings },
    hostOf(handle, (inbound) => observer.finished(inbound)),
  );
}

/** A host with real time and random request ids. */
export function hostOf(handle: Host["handle"], finished: Host["finished"]): Host {
  return { clock: realClock, newId: randomUUID, handle, finished };
}
