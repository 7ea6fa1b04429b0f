import type { Clock } from "../core/clock.ts";
import { NotRunning, NotServed, NotYet } from "../core/registered.ts";
import type { Program, ServerProcess } from "./process.ts";
import { Slot } from "./slot.ts";

/** How versions are served, by the config of the moment. */
export interface Serving {
  /** The program for a version at a port, of which `line` and what else is the supervisor's is left out. */
  readonly program: (uri: string, port: number) => Omit<Program, "line">;
  /** First and last port to choose from; `undefined`: any. */
  readonly ports: readonly [number, number] | undefined;
  readonly startMs: number;
  readonly maxProcesses: number;
}

/** What a supervisor works with. */
export interface SupervisorParts {
  readonly start: (program: Program) => ServerProcess;
  /** A free port of this machine's loopback interface: the wanted one if it is free, none of `held`. */
  readonly freePort: (
    ports: Serving["ports"],
    held: ReadonlySet<number>,
    wanted: number | undefined,
  ) => Promise<number | undefined>;
  readonly isWell: (port: number) => Promise<boolean>;
  readonly clock: Clock;
  /** Told what a server does and what it writes. */
  readonly tell: (server: string, what: { readonly event: string } | { readonly line: string }) => void;
  /** Called when a server becomes ready or is no longer. */
  readonly changed: () => void;
}

/** How long servers may take to end when the gateway stops; its calls have ended by then. */
const STOP_MS = 5_000;

/** Serves versions of models on this machine, a process each. */
export class Supervisor {
  private readonly parts: SupervisorParts;
  /** By model and version. */
  private readonly slots = new Map<string, Slot>();
  /** Those that come to their end; they hold their ports, and count. */
  private readonly retired = new Set<Slot>();
  private readonly ports = new Set<number>();
  /** Ports are chosen one after the other, so that none is chosen twice. */
  private choosing: Promise<unknown> = Promise.resolve();
  private closing = false;

  constructor(parts: SupervisorParts) {
    this.parts = parts;
  }

  /**
   * Where a version is served here; it is started when nobody asked for it yet. Throws `NotYet` while it starts, `NotRunning` when
   * it does not.
   */
  place(model: string, version: string, serving: Serving): string {
    const key = keyOf(model, version);
    let slot = this.slots.get(key);
    if (slot === undefined) {
      if (this.closing) throw new NotServed("the gateway is stopping");
      const { maxProcesses } = serving;
      if (this.slots.size + this.retired.size >= maxProcesses) {
        throw new NotServed(`${maxProcesses} model servers run, and mlflow.local.max_processes allows no more`);
      }
      slot = this.open(model, version, serving);
      this.slots.set(key, slot);
    }
    slot.asked = true;
    if (slot.ready) return `http://127.0.0.1:${slot.port}`;
    if (slot.trouble !== "") throw new NotRunning(`the server of version ${version} ${slot.trouble}`);
    throw new NotYet(`version ${version} is being started`);
  }

  /**
   * Ends what is neither among these, which routes name, nor was asked for since the last time.
   *
   * @param drainMs How long calls under way may go on.
   */
  keep(used: readonly { readonly model: string; readonly version: string }[], drainMs: number): void {
    const keys = new Set(used.map(({ model, version }) => keyOf(model, version)));
    for (const [key, slot] of this.slots) {
      if (!keys.has(key) && !slot.asked) this.retire(key, slot, drainMs);
      slot.asked = false;
    }
  }

  /** Ends all of them as those that nobody names any more. */
  keepNone(drainMs: number): void {
    for (const [key, slot] of this.slots) this.retire(key, slot, drainMs);
  }

  /** Ends all. Resolves when nothing is left of them. */
  async close(): Promise<void> {
    this.closing = true;
    const all = [...this.slots.values(), ...this.retired];
    this.slots.clear();
    await Promise.all(all.map((slot) => slot.stop(STOP_MS)));
  }

  private retire(key: string, slot: Slot, drainMs: number): void {
    this.slots.delete(key);
    this.retired.add(slot);
    this.parts.tell(key, { event: "is no longer named, and ends" });
    void slot.retire(drainMs).finally(() => {
      this.retired.delete(slot);
      this.ports.delete(slot.port);
      // Another one may have waited for its place.
      if (!this.closing) this.parts.changed();
    });
  }

  private open(model: string, version: string, { program, ports, startMs }: Serving): Slot {
    const { start, isWell, clock, tell, changed } = this.parts;
    const server = keyOf(model, version);
    const line = (text: string) => tell(server, { line: text });
    return new Slot({
      program: (port) => ({ ...program(`models:/${model}/${version}`, port), line }),
      start,
      choosePort: (last) => this.choosePort(ports, last),
      isWell,
      startMs,
      clock,
      tell: (event) => tell(server, { event }),
      changed: () => {
        if (!this.closing) changed();
      },
    });
  }

  /** No server gets a port that another one had while routes may still name it: calls would go astray. */
  private choosePort(ports: Serving["ports"], last: number | undefined): Promise<number | undefined> {
    const chosen = this.choosing.then(async () => {
      const port = await this.parts.freePort(ports, this.ports, last);
      if (last !== undefined && port !== last) this.ports.delete(last);
      if (port !== undefined) this.ports.add(port);
      return port;
    });
    this.choosing = chosen.catch(() => undefined);
    return chosen.catch(() => undefined);
  }
}

const keyOf = (model: string, version: string) => `${model}/${version}`;
