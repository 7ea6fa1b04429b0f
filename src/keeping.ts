import { dirname } from "node:path";
import type { BuildParts } from "./build.ts";
import type { Loaded } from "./config/load.ts";
import type { Problem } from "./config/problems.ts";
import { processEnvironment } from "./config/secrets.ts";
import type { Tools } from "./core/provider.ts";
import type { RingKey, Stored } from "./core/stored.ts";
import { fileKeysOf } from "./file-keys.ts";
import { Keeper, type KeeperNews } from "./keeper.ts";
import type { RingState } from "./keyring.ts";
import { openLedgerOf, StoreRefused } from "./ledger-of.ts";
import { isOfStore } from "./left-out.ts";
import type { Log } from "./observe/log.ts";
import type { Metrics } from "./observe/metrics.ts";

/** What a process keeps its store with. */
export interface KeepingParts {
  readonly configPath: string;
  /** Where the store of a config stands that names no folder; default: the config's own. */
  readonly storeFolder?: string | undefined;
  readonly tools: Tools;
  readonly build: BuildParts;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "revision">;
  /** Told a key that was made for the first admin, and that is shown once. */
  readonly madeKey: (secret: string) => void;
}

/** The store of a process: opened when its config is first read, and kept from then on. */
export class Keeping {
  /** There once a config without problems was read. */
  keeper: Keeper | undefined = undefined;
  private readonly parts: KeepingParts;
  /** Of an operator's environment, where there is no store to keep it in. */
  private extra: readonly RingKey[] = [];

  constructor(parts: KeepingParts) {
    this.parts = parts;
  }

  /** What the store has for sites. */
  readonly stored = (): Stored | undefined => this.keeper?.stored;

  /** Before a config goes live. The first one opens the store. Throws `StoreRefused` then. */
  readonly ready = async (loaded: Loaded): Promise<void> => {
    this.keeper ??= await this.open(loaded);
    await this.keeper.ready(loaded);
  };

  /** What does not work as it should, for people. */
  readonly troubles = (): readonly string[] => [
    ...(this.keeper?.down ? ["store"] : []),
    ...(this.keeper?.leftOut.names ?? []).map((name) => `route ${name} of the store`),
  ];

  /** Leaves routes of the store out with which the gateway cannot start; false: not all problems are theirs. */
  readonly leaveOut = (problems: readonly Problem[]): boolean => {
    if (!isOfStore(problems)) return false;
    this.keeper?.leaveOut(problems);
    return true;
  };

  /** The keys as they are now. */
  async ring(): Promise<RingState> {
    return this.with(await this.keeper!.ring());
  }

  /** With the key of the environment that no store keeps. */
  with(state: RingState): RingState {
    return this.extra.length === 0 ? state : { ...state, keys: [...state.keys, ...this.extra] };
  }

  async close(): Promise<void> {
    await this.keeper?.close();
  }

  private async open(loaded: Loaded): Promise<Keeper> {
    const { configPath, storeFolder, tools, build } = this.parts;
    const { store } = loaded.config;
    const failed = (error: unknown) => (this.keeper ? this.keeper.failed(error) : this.news().down(error));
    const folder = storeFolder ?? dirname(configPath);
    const open = await openLedgerOf({ store, file: configPath, folder, clock: tools.clock, failed });
    const given = processEnvironment["POLYGATE_ADMIN_KEY"];
    const fileGrants = fileKeysOf(loaded)?.map(({ grants }) => grants);
    // A file with keys alone says all that there is: nobody wants a store for a key that nobody asked for.
    if (fileGrants && (given !== undefined || store !== undefined || fileGrants.length === 0)) {
      try {
        const { bootstrapKey } = await import("./admin/bootstrap.ts");
        const { ledger, seals } = open;
        const key = { ledger, pepper: seals.pepper, wallNow: () => tools.wallNow(), given, fileGrants };
        const { secret, ringKey } = await bootstrapKey(key);
        if (ringKey) this.extra = [ringKey];
        if (secret) this.parts.madeKey(secret);
      } catch (thrown) {
        await open.ledger.close().catch(() => undefined);
        throw new StoreRefused(thrown instanceof Error ? thrown.message : String(thrown), 2, thrown);
      }
    }
    return new Keeper({ open, tools, build, news: this.news() });
  }

  private news(): KeeperNews {
    const { log, metrics } = this.parts;
    const words = (error: unknown) => log.redactor.clean(error instanceof Error ? error.message : String(error), 1000);
    return {
      down: (error) => log.error({ cause: words(error) }, "the store does not answer; what is live stays live"),
      well: () => log.info({}, "the store answers again"),
      notLive(revision, problems) {
        for (const problem of problems.slice(0, 50)) {
          log.error({ revision, problem: log.redactor.clean(problem, 1000) }, "revision problem");
        }
        log.error({ revision, problems: problems.length }, "revision not live");
      },
      leftOut(route, problems) {
        for (const problem of problems)
          log.error({ route, problem: log.redactor.clean(problem, 1000) }, "route problem");
        log.error({ route }, "a route of the store cannot be served and is left out until it is changed");
      },
      live(revision, staged) {
        metrics.revision(revision);
        log.info({ revision, ...(staged !== undefined && { staged }) }, "revision live");
      },
      stageFailed: (failed) => log.warn({ ...failed }, "a staged revision fails too often and is rolled back"),
    };
  }
}
