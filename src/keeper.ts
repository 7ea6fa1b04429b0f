import type { ExplainRouteRequest, ExplainRouteResponse } from "../gen/polygate/admin/v1/route_admin_pb.js";
import { openRoutes } from "./admin/docs.ts";
import type { AdminParts } from "./admin/parts.ts";
import type { AdminSite, FileRoute, RouteProblem } from "./admin/site.ts";
import type { BuildParts } from "./build.ts";
import { checkRoutes } from "./check-routes.ts";
import type { Loaded } from "./config/load.ts";
import type { Problem } from "./config/problems.ts";
import type { Actor, AdminApi } from "./core/admin.ts";
import type { Timer } from "./core/clock.ts";
import type { LedgerHead } from "./core/ledger.ts";
import type { Maybe } from "./core/provider.ts";
import type { Stored, StoredRoute } from "./core/stored.ts";
import { discoveredRoutesOf, fileRoutesOf, noteFile } from "./file-history.ts";
import type { RingState } from "./keyring.ts";
import { kinds } from "./kinds.ts";
import { lazyAdminApi } from "./lazy-admin.ts";
import type { OpenLedger } from "./ledger-of.ts";
import { LeftOut } from "./left-out.ts";
import { providerKinds } from "./registry.ts";
import type { LiveSite } from "./site.ts";
import type { StageFailed } from "./staged.ts";

/** How often a store that does not answer is asked. */
const RETRY_MS = 1_000;
/** Longest wait of a write for its own process to run it. */
const APPLY_MS = 2_000;

/** Whatever runs what a keeper keeps: a site of this thread's own, or all workers. */
export interface Runner {
  /** The site of this thread. */
  readonly live: LiveSite;
  /** Runs the files as they were read last with what `stored` gives now. Its problems, a line each; none: it is live everywhere. */
  restore(): Promise<readonly string[]>;
  /** Uses these keys from now on; resolves when every thread does. */
  ring(state: RingState): Maybe<void>;
}

/** What a keeper tells its operator. */
export interface KeeperNews {
  /** The store does not answer; told once until it does again. */
  readonly down: (error: unknown) => void;
  readonly well: () => void;
  /** A revision is not run here, for these reasons, a line each. */
  readonly notLive: (revision: number, problems: readonly string[]) => void;
  /** A route of the store cannot be served, for these reasons; the others are. */
  readonly leftOut: (route: string, problems: readonly string[]) => void;
  readonly live: (revision: number, staged: number | undefined) => void;
  readonly stageFailed: (failed: StageFailed) => void;
}

/** What a keeper is made of. */
export interface KeeperParts {
  readonly open: OpenLedger;
  readonly tools: AdminParts["tools"];
  readonly build: BuildParts;
  readonly news: KeeperNews;
}

/**
 * Keeps one process at what its ledger says: looks when it changes, and has its routes and keys run. The admin API's view of the
 * running gateway.
 */
export class Keeper implements AdminSite {
  /** What the store has for sites. Another object exactly when there is something else to run. */
  stored: Stored | undefined = undefined;
  readonly api: AdminApi;
  private readonly parts: KeeperParts;
  private readonly admin: AdminParts;
  private runner: Runner | undefined = undefined;
  private readonly followed = Promise.withResolvers<void>();
  private seen: LedgerHead | undefined = undefined;
  private ringVersion = -1;
  /** What was not taken; it is not tried again before there is something else. */
  private refused: Stored | undefined = undefined;
  readonly leftOut = new LeftOut();
  private looking: Promise<void> = Promise.resolve();
  /** A look that waits for its turn sees everything that was changed before it began. */
  private waiting: Promise<void> | undefined = undefined;
  /** The store did not answer the last time. */
  down = false;
  /** The file that is noted; one that could not be is noted later. */
  private unnoted: Loaded | undefined = undefined;
  private retry: Timer | undefined = undefined;
  private unlisten: (() => void) | undefined = undefined;

  constructor(parts: KeeperParts) {
    this.parts = parts;
    const { open, tools } = parts;
    const { ledger, own, seals } = open;
    this.admin = { ledger, own, seals, kinds, site: this, tools, failed: (error) => this.failed(error) };
    this.api = lazyAdminApi(this.admin, this.followed.promise);
  }

  /** Notes a file that is about to go live, and reads what the store has. Throws at the first time alone. */
  async ready(loaded: Loaded): Promise<void> {
    try {
      await this.note(loaded);
      const head = await this.parts.open.ledger.head();
      await this.read(head);
      this.answered();
    } catch (thrown) {
      if (this.stored === undefined) throw thrown;
      this.unnoted = loaded;
      this.failed(thrown);
    }
  }

  /** Runs the store's routes without those that have problems. */
  leaveOut(problems: readonly Problem[]): void {
    this.stored = this.leftOut.from(this.stored!, problems, this.parts.news.leftOut);
  }

  /** The keys as they are now. */
  async ring(): Promise<RingState> {
    const { ledger, seals } = this.parts.open;
    const good = (await ledger.keys()).filter(({ revokedAt }) => revokedAt === undefined);
    const keys = good.map(({ id, name, hash, grants, expiresAt }) => ({ id, name, hash, grants, expiresAt }));
    return { keys, pepper: seals.pepper.toString("base64") };
  }

  /** From now on it runs what the ledger says. */
  follow(runner: Runner): void {
    this.runner = runner;
    this.followed.resolve();
    this.tell();
    this.unlisten = this.parts.open.ledger.onChange(() => void this.look());
    void this.look();
  }

  /** Looks at the ledger, and resolves when what it says is run here. Never rejects. */
  look(): Promise<void> {
    this.waiting ??= this.looking.then(() => {
      this.waiting = undefined;
      this.looking = this.lookNow();
      return this.looking;
    });
    return this.waiting;
  }

  async close(): Promise<void> {
    this.unlisten?.();
    this.runner = undefined;
    if (this.retry) this.parts.tools.clock.cancel(this.retry);
    await this.looking;
    await this.parts.open.ledger.close();
  }

  async stageFailed(failed: StageFailed): Promise<void> {
    const { revision, calls, failures, parentCalls, parentFailures } = failed;
    this.parts.news.stageFailed(failed);
    const percent = (some: number, all: number) => (all === 0 ? 0 : Math.round((some / all) * 1000) / 10);
    const own = `${percent(failures, calls)} % of ${calls} calls failed`;
    const parent = `${percent(parentFailures, parentCalls)} % of the parent's ${parentCalls}`;
    try {
      const { giveUpStage } = await import("./admin/stage.ts");
      await giveUpStage(this.admin, revision, `${own}, ${parent}`);
    } catch (thrown) {
      this.failed(thrown);
    }
  }

  fileRoutes(): readonly FileRoute[] {
    if (this.runner === undefined) return [];
    const { live } = this.runner;
    return [...fileRoutesOf(live.states.loaded), ...discoveredRoutesOf(live.states.loaded, live.site)];
  }

  providers(): readonly string[] {
    return providerKinds;
  }

  async checkRoutes(routes: readonly StoredRoute[]): Promise<readonly RouteProblem[]> {
    const { live } = this.runner!;
    return checkRoutes(
      { parts: this.parts.build, loaded: live.states.loaded, known: live.known, serving: live.serving },
      // Who changes another route has nothing to do with them.
      this.leftOut.usable(routes),
    );
  }

  applied(_revision: number): Promise<void> {
    return this.lookSoon();
  }

  keysApplied(): Promise<void> {
    return this.lookSoon();
  }

  liveRevision(): number {
    return this.runner?.live.states.stored?.live.revision ?? 0;
  }

  async explain(request: ExplainRouteRequest, actor: Actor): Promise<ExplainRouteResponse> {
    const { explain } = await import("./explain.ts");
    const { open, build } = this.parts;
    const { live } = this.runner!;
    const { told } = live.given();
    const key = (id: string) => open.ledger.key(id);
    return explain({ states: live.states, told, build, key, mask: (text) => open.seals.mask(text) }, request, actor);
  }

  private async lookSoon(): Promise<void> {
    const { clock } = this.parts.tools;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = clock.after(APPLY_MS, resolve);
    await Promise.race([this.look(), promise]);
    clock.cancel(timer);
  }

  private async lookNow(): Promise<void> {
    const { runner, parts } = this;
    if (runner === undefined) return;
    try {
      if (this.unnoted) await this.note(this.unnoted);
      const head = await parts.open.ledger.head();
      if (head.keysVersion !== this.ringVersion) {
        await runner.ring(await this.ring());
        this.ringVersion = head.keysVersion;
      }
      await this.read(head);
      this.answered();
    } catch (thrown) {
      this.failed(thrown);
      return;
    }
    const { stored } = this;
    if (stored === undefined || stored === runner.live.states.stored || stored === this.refused) return;
    const problems = await runner.restore();
    this.refused = problems.length > 0 ? stored : undefined;
    if (problems.length > 0) parts.news.notLive(stored.staged?.revision ?? stored.live.revision, problems);
    else this.tell();
  }

  private async note(loaded: Loaded): Promise<void> {
    const { open, tools } = this.parts;
    await noteFile(open.own, { kinds, seals: open.seals }, fileRoutesOf(loaded), tools.wallNow());
    this.unnoted = undefined;
  }

  /** Reads the routes when they may be others than those that were read. */
  private async read(head: LedgerHead): Promise<void> {
    const { seen } = this;
    if (seen && seen.revision === head.revision && seen.stageVersion === head.stageVersion) return;
    const { ledger, seals } = this.parts.open;
    const { stage } = head;
    const routes = async (at: number) => this.leftOut.usable(openRoutes(seals, await ledger.routes(at)));
    if (stage === undefined) this.stored = { live: { revision: head.revision, routes: await routes(head.revision) } };
    else {
      const { revision, parent, percent, marginPercent, windowMs, minCalls } = stage;
      const live = { revision: parent, routes: await routes(parent) };
      const how = { percent, marginPercent, windowMs, minCalls };
      this.stored = { live, staged: { revision, routes: await routes(revision), ...how } };
    }
    this.seen = head;
    await this.leftOut.forget(ledger);
  }

  private tell(): void {
    const { live, staged } = this.runner?.live.states.stored ?? {};
    if (live) this.parts.news.live(live.revision, staged?.revision);
  }

  /** Something failed where nobody waits for it. From then on it looks by itself, until there is an answer. */
  failed(thrown: unknown): void {
    const { news, tools } = this.parts;
    if (!this.down) news.down(thrown);
    this.down = true;
    this.retry ??= tools.clock.after(RETRY_MS, () => {
      this.retry = undefined;
      if (this.runner) void this.look();
    });
  }

  private answered(): void {
    if (this.down) this.parts.news.well();
    this.down = false;
  }
}
