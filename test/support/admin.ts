/** An admin API over a ledger in memory, with a site that loads routes for true and serves nobody. */
import { create, type DescMethod, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { expect } from "vitest";
import { AuditService } from "../../gen/polygate/admin/v1/audit_pb.js";
import { KeyAdminService } from "../../gen/polygate/admin/v1/key_admin_pb.js";
import { RevisionAdminService } from "../../gen/polygate/admin/v1/revision_admin_pb.js";
import { type Route, RouteAdminService } from "../../gen/polygate/admin/v1/route_admin_pb.js";
import type { RouteSchema } from "../../gen/polygate/config/v1/config_pb.js";
import { createAdminApi } from "../../src/admin/api.ts";
import { openDoc } from "../../src/admin/docs.ts";
import { openSeals } from "../../src/admin/open-seals.ts";
import type { AdminParts } from "../../src/admin/parts.ts";
import { newSealingKey, type SealingKeys } from "../../src/admin/seals.ts";
import type { AdminSite } from "../../src/admin/site.ts";
import { type Kinds, load } from "../../src/config/load.ts";
import type { Actor, AdminApi } from "../../src/core/admin.ts";
import { ANYBODY } from "../../src/core/grants.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { Ledger } from "../../src/core/ledger.ts";
import type { Principal } from "../../src/core/principal.ts";
import { kinds as realKinds } from "../../src/kinds.ts";
import { openLedger } from "../../src/stores/memory/ledger.ts";
import { type FakeClock, fakeClock } from "./clock.ts";

/** What a test may say otherwise. */
export interface AdminTest {
  /** The config file's text. */
  readonly file?: string;
  readonly kinds?: Kinds;
  readonly ledger?: Ledger;
  readonly keys?: SealingKeys;
  /** Takes every route, whatever is wrong with it. */
  readonly unchecked?: true;
}

/** What a test has. */
export interface AdminUnderTest {
  readonly parts: AdminParts;
  readonly api: AdminApi;
  readonly ledger: Ledger;
  readonly clock: FakeClock;
  /** What seals the ledger, for another API over it. */
  readonly keys: SealingKeys;
  /** Revisions that the site was told to run. */
  readonly applied: readonly number[];
  /** Calls a method. @param principal Default: one who may do everything. */
  readonly ask: <M extends DescMethod>(
    method: M,
    request: MessageInitShape<M["input"]>,
    principal?: Principal,
  ) => Promise<MessageShape<M["output"]>>;
  /** Opens a stream. */
  watch<M extends DescMethod>(
    method: M,
    request: MessageInitShape<M["input"]>,
    signal: AbortSignal,
  ): AsyncIterable<MessageShape<M["output"]>>;
}

export const routes = RouteAdminService.method;
export const revisions = RevisionAdminService.method;
export const audit = AuditService.method;
export const keyMethods = KeyAdminService.method;

/** A route as a request has it. */
export type RouteInit = MessageInitShape<typeof RouteSchema>;

/** A route of OpenAI's with the secret `sk-1 secret`. */
export function chat(name: string, more: RouteInit = {}): RouteInit {
  const model = { provider: "openai", name: "gpt-4o", config: { openai_api_key: "sk-1 secret" } };
  return { name, routeType: "llm/v1/chat", model, ...more } as RouteInit;
}

/** Makes a route. */
export async function made(admin: AdminUnderTest, route: RouteInit): Promise<Route> {
  return (await admin.ask(routes.createRoute, { route })).route!;
}

/** How the secret of a `chat` is shown. */
export const maskOf = (route: Route): string => route.spec?.model?.config?.["openai_api_key"] as string;

/** A route's doc in the store, its secrets open. */
export async function openOf({ ledger, parts }: AdminUnderTest, name: string): Promise<JsonObject> {
  return openDoc(parts.seals, (await ledger.route(name))!.doc);
}

/** A `GatewayError` of the reason, whose message has these words in their order. */
export const refusal = (reason: string, ...words: readonly string[]): unknown =>
  expect.objectContaining({
    fault: expect.objectContaining({ reason }),
    message: expect.stringMatching(new RegExp(words.map((word) => word.replaceAll(/[.*[\]()?]/g, "\\$&")).join(".*"))),
  });

/** A principal as a request has it. */
export const actorOf = (principal: Principal = ANYBODY): Actor => ({
  principal,
  remote: "127.0.0.1",
  requestId: "req-1",
});

export async function adminUnderTest({
  file = "routes: []\n",
  kinds = realKinds,
  ledger: given,
  keys = { current: newSealingKey(), former: [] },
  unchecked,
}: AdminTest = {}): Promise<AdminUnderTest> {
  const failed = (error: unknown) => {
    throw error;
  };
  const ledger = given ?? (await openLedger({ failed }));
  const seals = await openSeals(ledger, keys);
  const applied: number[] = [];
  const clock = fakeClock();
  const checked = await siteOf(file, kinds, applied);
  const site = unchecked ? { ...checked, checkRoutes: async () => [] } : checked;
  let now = 1_800_000_000_000;
  const tools = { clock, wallNow: () => now++, random: () => 0.5 };
  const parts: AdminParts = { ledger, seals, kinds, site, tools, failed };
  const api = createAdminApi(parts);
  const nameOf = (method: DescMethod) => `${method.parent.typeName}/${method.name}`;
  return {
    parts,
    api,
    ledger,
    clock,
    keys,
    applied,
    ask: async (method, request, principal) =>
      (await api.call(nameOf(method), create(method.input, request), actorOf(principal))) as never,
    watch: (method, request, signal) =>
      api.stream(nameOf(method), create(method.input, request), actorOf(), signal) as never,
  };
}

async function siteOf(text: string, kinds: Kinds, applied: number[]): Promise<AdminSite> {
  const source = { file: "polygate.yaml", text };
  const env = {};
  const loaded = await load(source, { kinds, env });
  const { config, owners, problems } = loaded;
  if (problems.length > 0) throw new Error(problems.map(({ path, message }) => `${path}: ${message}`).join("\n"));
  const files = config.routes.map((route) => {
    const owner = owners.get(route)!;
    return { name: route.name, doc: loaded.docOf(route), place: owner.kind === "file" ? owner.place : "" };
  });
  return {
    fileRoutes: () => files,
    providers: () => kinds.names(),
    async checkRoutes(stored) {
      const loaded = await load(source, { kinds, env, stored });
      return loaded.problems.map(({ file, path, message }) => ({
        route: file.replace(/^admin API: routes\//, ""),
        field: path,
        description: message,
      }));
    },
    applied: async (revision) => void applied.push(revision),
    keysApplied: async () => {},
    liveRevision: () => applied.at(-1) ?? 0,
    explain: async () => {
      throw new Error("nobody explains here");
    },
  };
}
