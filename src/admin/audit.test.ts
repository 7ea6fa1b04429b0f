import { describe, expect, it } from "vitest";
import {
  type AdminUnderTest,
  actorOf,
  adminUnderTest,
  audit,
  chat,
  made,
  refusal,
  revisions,
  routes,
} from "../../test/support/admin.ts";
import { errors } from "../core/errors.ts";
import { GUEST, INFERENCE, NOBODY, principalOf } from "../core/grants.ts";
import { type AuditRecord, type Ledger, readOnly } from "../core/ledger.ts";
import { openLedger } from "../stores/memory/ledger.ts";
import { createAdminApi } from "./api.ts";
import { auditMethods } from "./audit.ts";

const UPDATE = "polygate.admin.v1.RouteAdminService/UpdateRoute";

/** What was written down, the oldest first. */
const acts = async ({ ledger }: Pick<AdminUnderTest, "ledger">) =>
  (await ledger.auditAfter(0, 1000)).map(({ action, resource, outcome, revision }) =>
    [action.split("/")[1], resource, outcome, revision].join(" "),
  );

describe("the audit log", () => {
  it("has every act with what was and what is, and every refused one with why", async () => {
    const admin = await adminUnderTest();
    await made(admin, chat("a"));
    await expect(made(admin, chat("a"))).rejects.toEqual(refusal("RESOURCE_EXISTS"));
    await admin.ask(routes.updateRoute, { route: { name: "a", owner: "o" } });
    await expect(admin.ask(routes.updateRoute, { route: { name: "a" }, etag: "old" })).rejects.toEqual(
      refusal("STALE_ETAG"),
    );
    await admin.ask(routes.deleteRoute, { name: "a" });
    await admin.ask(revisions.rollbackRevision, { number: 1n });
    await expect(admin.ask(revisions.promoteRevision, { number: 1n })).rejects.toEqual(refusal("RESOURCE_OWNED"));
    expect(await acts(admin)).toEqual([
      "CreateRoute routes/a ok 1",
      "CreateRoute routes/a RESOURCE_EXISTS 0",
      "UpdateRoute routes/a ok 2",
      "UpdateRoute routes/a STALE_ETAG 0",
      "DeleteRoute routes/a ok 3",
      "RollbackRevision revisions/1 ok 4",
      "PromoteRevision revisions/1 RESOURCE_OWNED 0",
    ]);
    const { events } = await admin.ask(audit.listAuditEvents, { filter: `action = "${UPDATE}" AND outcome = ok` });
    expect(events).toMatchObject([
      {
        actor: "anonymous",
        remote: "127.0.0.1",
        requestId: "req-1",
        before: { name: "a", model: { config: { openai_api_key: expect.stringMatching(/^\*\*\*[0-9a-f]{8}$/) } } },
        after: { owner: "o" },
      },
    ]);
  });

  it("is read page by page, the newest first, also with a filter", async () => {
    const admin = await adminUnderTest();
    for (const name of ["a", "b", "c", "d"]) await made(admin, chat(name));
    const pages: bigint[][] = [];
    let pageToken = "";
    do {
      const page = await admin.ask(audit.listAuditEvents, { pageSize: 2, pageToken, filter: "resource != routes/b" });
      pages.push(page.events.map(({ sequence }) => sequence));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(pages).toEqual([[4n, 3n], [1n]]);
  });

  it("is exported whole, the oldest first, from any event on", async () => {
    const admin = await adminUnderTest();
    for (const name of ["a", "b", "c"]) await made(admin, chat(name));
    const seen: unknown[] = [];
    const { signal } = new AbortController();
    for await (const { event } of admin.watch(audit.exportAuditEvents, { afterSequence: 1n }, signal))
      seen.push([event!.sequence, event!.resource]);
    expect(seen).toEqual([
      [2n, "routes/b"],
      [3n, "routes/c"],
    ]);
  });

  it("shows whoever may read it of some routes what was done to those", async () => {
    const admin = await adminUnderTest();
    for (const name of ["team-a", "b"]) await made(admin, chat(name));
    const ann = principalOf("ann", "k", [{ realm: "admin", operations: ["audit.read"], routes: ["team-*"] }]);
    const { events } = await admin.ask(audit.listAuditEvents, {}, ann);
    expect(events.map(({ resource }) => resource)).toEqual(["routes/team-a"]);
  });

  it.each([
    [
      "is changed",
      2,
      (records: AuditRecord[]) => records.map((one) => (one.sequence === 2 ? { ...one, actor: "x" } : one)),
    ],
    ["is taken out", 2, (records: AuditRecord[]) => records.filter(({ sequence }) => sequence !== 2)],
    ["is the first and taken out", 1, (records: AuditRecord[]) => records.slice(1)],
  ])("is found out when an event %s", async (_, broken, forge) => {
    const admin = await adminUnderTest();
    for (const name of ["a", "b", "c"]) await made(admin, chat(name));
    expect(await admin.ask(audit.verifyAuditEvents, {})).toMatchObject({ verified: 3n, brokenSequence: 0n });
    const forged = forge([...(await admin.ledger.auditAfter(0, 10))]);
    const auditAfter = async (after: number) => forged.filter(({ sequence }) => sequence > after);
    const ledger: Ledger = { ...admin.ledger, kind: "sqlite", auditAfter };
    const verify = auditMethods({ ledger }).unary["verifyAuditEvents"] as () => Promise<object>;
    expect(await verify()).toMatchObject({ brokenSequence: BigInt(broken) });
  });
});

describe("a refusal", () => {
  it.each([
    ["whom nobody knows", NOBODY, ""],
    ["who are not asked and come from anywhere", GUEST, "anonymous"],
    ["whose keys are for models alone", principalOf("bob", "k", [INFERENCE]), "bob"],
  ])("of callers %s is written down ten times a second at most", async (_, principal, actor) => {
    const admin = await adminUnderTest();
    const refuse = async (times: number) => {
      for (let at = 0; at < times; at++) admin.api.refused(UPDATE, "CALLER_UNKNOWN", actorOf(principal));
      // Those that were refused before are written by then.
      await admin.ledger.write(async () => {});
    };
    await refuse(50);
    expect(await acts(admin)).toHaveLength(10);
    admin.clock.advance(1000);
    await refuse(3);
    expect(await acts(admin)).toHaveLength(13);
    expect((await admin.ledger.audit({ limit: 1 }))[0]).toMatchObject({ actor, outcome: "CALLER_UNKNOWN" });
  });

  it("goes where the gateway notes its own, which makes no store", async () => {
    const admin = await adminUnderTest();
    const own = await openLedger({ failed: () => {} });
    const api = createAdminApi({ ...admin.parts, own });
    await expect(api.call(UPDATE, {}, actorOf(NOBODY))).rejects.toEqual(refusal("CALLER_FORBIDDEN"));
    expect(await acts(admin)).toEqual([]);
    expect(await acts({ ledger: own })).toEqual(["UpdateRoute  CALLER_FORBIDDEN 0"]);
  });

  it("is answered all the same when it cannot be written down", async () => {
    const failures: unknown[] = [];
    const admin = await adminUnderTest();
    const down: Ledger = {
      ...admin.ledger,
      write: () => Promise.reject(errors.storeUnavailable("The store is gone.")),
    };
    const api = createAdminApi({ ...admin.parts, ledger: down, failed: (error) => failures.push(error) });
    const ann = principalOf("ann", "k", []);
    await expect(api.call(UPDATE, {}, actorOf(ann))).rejects.toEqual(refusal("CALLER_FORBIDDEN"));
    expect(failures).toEqual([refusal("STORE_UNAVAILABLE")]);
  });
});

describe("an act", () => {
  it("that cannot be written is not half done, and says that the store is not there", async () => {
    const admin = await adminUnderTest();
    let broken = false;
    const ledger: Ledger = {
      ...admin.ledger,
      write: (act) =>
        admin.ledger.write((tx) => {
          const addAudit = () => Promise.reject(errors.storeUnavailable("The disk is full."));
          return act(broken ? { ...tx, addAudit } : tx);
        }),
    };
    const again = await adminUnderTest({ ledger, keys: admin.keys });
    broken = true;
    await expect(made(again, chat("a"))).rejects.toEqual(refusal("STORE_UNAVAILABLE"));
    expect((await admin.ledger.head()).revision).toBe(0);
    expect(await acts(admin)).toEqual([]);
  });

  it("of a gateway without a store is refused with what to do, and reads go on", async () => {
    const admin = await adminUnderTest();
    const why = "The gateway has no store; set store in polygate.yaml.";
    const ledger = readOnly(admin.ledger, why);
    const bare = await adminUnderTest({ ledger, keys: admin.keys });
    await expect(made(bare, chat("a"))).rejects.toEqual(refusal("RESOURCE_OWNED", why));
    expect(await bare.ask(routes.listRoutes, {})).toMatchObject({ routes: [] });
  });

  it("that no method does is refused", async () => {
    const { api } = await adminUnderTest();
    await expect(api.call("polygate.admin.v1.RouteAdminService/Nothing", {}, actorOf())).rejects.toEqual(
      refusal("OPERATION_UNSUPPORTED"),
    );
  });
});
