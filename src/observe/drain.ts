import { once } from "node:events";

/** What is drained. */
export interface Draining {
  /** How long calls under way may go on, milliseconds. */
  readonly drainMs: number;
  /** Readiness fails from now on, and new calls are refused. */
  stop(): void;
  /** Takes no new connection, ends idle ones, tells HTTP/2 callers to go; resolves when every connection has ended. */
  drain(): Promise<void>;
  /** Tells every call still under way that the gateway is stopping, in its protocol's form. How many there were. */
  stopCalls(): number;
  /** Cuts what is still open and lets go of everything. */
  close(): Promise<void>;
}

/** How long a caller may take to read that its call was stopped, milliseconds. */
const LAST_WORDS_MS = 1_000;

/**
 * Waits for SIGTERM or SIGINT and drains: readiness fails first, then the ports close, calls go on for up to `drainMs`, and
 * what is left then is told and cut. Resolves with the exit code 0. A second signal ends the process at once with
 * 128 + its number, as the shell would say it.
 *
 * @param say Writes a line for a person.
 */
export async function drainOnSignals(draining: Draining, say: (line: string) => void): Promise<number> {
  await firstSignal();
  say("polygate is stopping: calls under way may finish; a second signal ends them");
  await drainNow(draining, say);
  return 0;
}

/** Drains, whatever asked for it. */
export async function drainNow(draining: Draining, say: (line: string) => void): Promise<void> {
  draining.stop();
  const drained = draining.drain();
  if (!(await within(drained, draining.drainMs))) {
    const left = draining.stopCalls();
    if (left > 0) say(`polygate stopped ${left} call${left === 1 ? "" : "s"} that did not end in time`);
    await within(drained, LAST_WORDS_MS);
  }
  await draining.close();
}

const NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const;

/** Resolves at the first SIGTERM or SIGINT; the next ends the process. */
export async function firstSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let first = true;
  for (const name of Object.keys(NUMBERS) as (keyof typeof NUMBERS)[]) {
    process.on(name, () => {
      if (first) resolve();
      else process.exit(128 + NUMBERS[name]);
      first = false;
    });
  }
  await promise;
}

/** Whether it resolves within `ms`. */
async function within(work: Promise<void>, ms: number): Promise<boolean> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), ms);
  const late = once(stop.signal, "abort").then(() => false);
  const done = await Promise.race([work.then(() => true), late]);
  clearTimeout(timer);
  return done;
}
