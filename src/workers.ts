import { authorityOf } from "./authority.ts";
import type { Problem } from "./config/problems.ts";
import { Crew, type CrewParts, Relay } from "./crew.ts";
import { Following } from "./following.ts";
import { realTools } from "./gateway.ts";
import { Keeping } from "./keeping.ts";
import { Ring } from "./keyring.ts";
import { assertFree } from "./net/free.ts";
import type { Listening } from "./net/listen.ts";
import { Dialer } from "./net/send.ts";
import { createLog } from "./observe/log.ts";
import { createMetrics } from "./observe/metrics.ts";
import { createObserver } from "./observe/observer.ts";
import { loadStore } from "./registry.ts";
import { type LiveSite, openSite } from "./site.ts";
import { ConfigProblems, levelOf, type StartOptions, serveAdmin } from "./start.ts";
import type { Ready } from "./thread.ts";

/** Keys that are counted at a time, over all workers. */
const MAX_COUNTED_KEYS = 131_072;
/** How often any free port is chosen anew. */
const ANY_PORT_TRIES = 5;

/** A crew that answers, and what to say of it. */
export interface Started {
  readonly crew: Crew;
  readonly ready: Ready;
  readonly warnings: readonly Problem[];
  /** Host and port of the admin listener as in a URL, which the main thread serves. */
  readonly admin: string | undefined;
  readonly close: () => Promise<void>;
}

/** Starts a crew of `count` workers. Throws `ConfigProblems`, or `WorkerFailed` with the system's code, such as EADDRINUSE. */
export async function startCrew(options: StartOptions, count: number): Promise<Started> {
  const log = options.log ?? createLog();
  const metrics = createMetrics({ droppedLines: () => log.dropped });
  const observer = createObserver({ log, metrics });
  const dialer = new Dialer(options.resolve);
  const following = new Following({ dialer, tools: realTools, served: observer.served });
  const store = await loadStore("shared");
  const table = store.share!(MAX_COUNTED_KEYS);
  const relay = new Relay();
  const build = {
    dialer,
    tools: options.random ? { ...realTools, random: options.random } : realTools,
    counters: store.join!(table, realTools.clock),
    keys: new Ring(),
    hooks: [],
  };
  const { configPath, storeFolder, madeKey = () => {} } = options;
  const keeping = new Keeping({ configPath, storeFolder, tools: build.tools, build, log, metrics, madeKey });
  const opened: { live?: LiveSite; crew?: Crew; port?: Listening } = {};
  const close = async () => {
    await keeping.close();
    await opened.crew?.close();
    opened.port?.cut();
    await opened.live?.close();
    await following.close();
    await dialer.close();
    log.flush();
  };
  try {
    const { loaded, live } = await openSite({
      ...build,
      source: () => configPath,
      stored: keeping.stored,
      ready: keeping.ready,
      leaveOut: keeping.leaveOut,
      troubles: keeping.troubles,
      watched: true,
      serving: { host: options.host, auth: options.auth },
      changed: () => void opened.crew?.reload(),
      follow: (read, known) => relay.around(following.follow(read, known)),
      followed: observer.followed,
      reloaded: observer.reloaded,
      secrets: (values) => log.redactValues(values),
      watchFailed: (error) => log.warn({ cause: String(error) }, "the config file cannot be watched"),
    });
    if (live === undefined) throw new ConfigProblems(loaded.problems);
    opened.live = live;
    log.level = levelOf(loaded.config);
    const { listen, admin } = loaded.config;
    await assertFree(options.host ?? listen?.host, options.port ?? listen?.port);
    const parts = { options, log, metrics, observer, live, keeping, relay, table };
    const { crew, ready } = await startOnFree(parts, count);
    opened.crew = crew;
    observer.reloaded(true, 1, []);
    keeping.keeper!.follow({ live, restore: () => crew.restore(), ring: (state) => crew.ring(state) });
    const pages = { text: () => crew.page(), contentType: metrics.contentType };
    const operators = { live, observer, metrics: pages, admin: keeping.keeper!.api };
    if (admin) opened.port = await serveAdmin(admin, operators);
    const where = opened.port && authorityOf(admin!.host, opened.port.port);
    return { crew, ready, warnings: loaded.warnings, admin: where, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/** Starts the crew. A port that the system chose for the first worker may be lost to a stranger before the next one binds it. */
async function startOnFree(parts: CrewParts, count: number): Promise<{ crew: Crew; ready: Ready }> {
  for (let again = ANY_PORT_TRIES; ; again--) {
    try {
      return await Crew.start(parts, count);
    } catch (thrown) {
      const { port = parts.live.states.loaded.config.listen?.port } = parts.options;
      if (again === 0 || port !== 0 || (thrown as { code?: string }).code !== "EADDRINUSE") throw thrown;
    }
  }
}
