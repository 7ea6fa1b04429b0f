import { describe, expect, it } from "vitest";
import type { Change } from "../../gen/polygate/admin/v1/revision_admin_pb.js";
import { CauseSchema, RevisionStateSchema } from "../../gen/polygate/admin/v1/revision_admin_pb.js";
import {
  type AdminUnderTest,
  adminUnderTest,
  audit,
  chat,
  made,
  openOf,
  refusal,
  revisions,
  routes,
} from "../../test/support/admin.ts";
import { principalOf } from "../core/grants.ts";
import type { RouteChange } from "../core/ledger.ts";
import { newSealingKey } from "./seals.ts";
import { giveUpStage } from "./stage.ts";

const FILE = `routes:
- name: ours
  route_type: llm/v1/chat
  model: {provider: openai, name: gpt-4o, config: {openai_api_key: "sk-of the file"}}
`;

const update = (admin: AdminUnderTest, owner: string, stage?: { percent: number }) =>
  admin.ask(routes.updateRoute, { route: { name: "a", owner }, ...(stage && { stage }), reason: `to ${owner}` });
const pathsOf = (changes: readonly Change[]) =>
  changes.map(({ route, kind, fields }) => [route, kind, fields.map(({ path }) => path)]);
const summary = async (admin: AdminUnderTest) =>
  (await admin.ask(revisions.listRevisions, {})).revisions.map(({ number, cause, state, restores, author }) =>
    [
      Number(number),
      CauseSchema.value[cause]!.localName,
      RevisionStateSchema.value[state]!.localName,
      Number(restores),
      author,
    ].join(" "),
  );

describe("the history", () => {
  it("has every change with its author, cause, reason and exact paths, secrets masked", async () => {
    const admin = await adminUnderTest();
    await made(admin, chat("a"));
    const model = { config: { openai_api_key: "sk-2 other" } };
    await admin.ask(routes.updateRoute, { route: { name: "a", model }, reason: "rotated" });
    await admin.ask(routes.deleteRoute, { name: "a" });
    expect(await summary(admin)).toEqual([
      "3 DELETE LIVE 0 anonymous",
      "2 UPDATE PAST 0 anonymous",
      "1 CREATE PAST 0 anonymous",
    ]);
    const { revision } = await admin.ask(revisions.getRevision, { number: 2n });
    expect(revision!.reason).toBe("rotated");
    expect(pathsOf(revision!.changes)).toEqual([["a", 2, ["model.config.openai_api_key"]]]);
    const { before, after } = revision!.changes[0]!.fields[0]!;
    for (const value of [before, after])
      expect(value).toMatchObject({
        kind: { case: "stringValue", value: expect.stringMatching(/^\*\*\*[0-9a-f]{8}$/) },
      });
    expect(before).not.toEqual(after);
    expect((await admin.ask(revisions.getRevision, {})).revision!.number).toBe(3n);
    await expect(admin.ask(revisions.getRevision, { number: 4n })).rejects.toEqual(refusal("RESOURCE_UNKNOWN", "4"));
  });

  it("is read page by page, and of one route", async () => {
    const admin = await adminUnderTest();
    for (const name of ["a", "b", "c"]) await made(admin, chat(name));
    await update(admin, "x");
    const first = await admin.ask(revisions.listRevisions, { pageSize: 3 });
    expect(first.revisions.map(({ number }) => number)).toEqual([4n, 3n, 2n]);
    const { revisions: second, nextPageToken } = await admin.ask(revisions.listRevisions, {
      pageSize: 3,
      pageToken: first.nextPageToken,
    });
    expect([second.map(({ number }) => number), nextPageToken]).toEqual([[1n], ""]);
    const { revisions: ofA } = await admin.ask(revisions.listRevisions, { route: "a" });
    expect(ofA.map(({ number }) => number)).toEqual([4n, 1n]);
  });

  it("tells what differs between any two of its revisions, in both directions", async () => {
    const admin = await adminUnderTest();
    await made(admin, chat("a", { labels: { team: "x" } }));
    await made(admin, chat("b"));
    await admin.ask(routes.updateRoute, { route: { name: "a", labels: { team: "y" } } });
    await admin.ask(routes.deleteRoute, { name: "b" });
    const diff = async (from: bigint, to: bigint) => (await admin.ask(revisions.diffRevisions, { from, to })).changes;
    expect(pathsOf(await diff(1n, 0n))).toEqual([["a", 2, ["labels.team"]]]);
    expect((await diff(2n, 3n))[0]!.fields).toMatchObject([
      { before: { kind: { value: "x" } }, after: { kind: { value: "y" } } },
    ]);
    expect((await diff(3n, 2n))[0]!.fields).toMatchObject([
      { before: { kind: { value: "y" } }, after: { kind: { value: "x" } } },
    ]);
    expect((await diff(0n, 4n)).map(({ route, kind }) => [route, kind])).toEqual([["a", 1]]);
    await expect(diff(0n, 9n)).rejects.toEqual(refusal("RESOURCE_UNKNOWN", "9"));
  });

  it("has the file's changes as well", async () => {
    const admin = await adminUnderTest();
    const note = (changes: RouteChange[]) =>
      admin.ledger.write((tx) =>
        tx.addRevision({ at: 0, author: "file", cause: "file", reason: "", file: "sha256:0", restores: 0, changes }),
      );
    await note([{ name: "f", after: { name: "f", owner: "x" } }]);
    await made(admin, chat("a"));
    await note([{ name: "f", before: { name: "f", owner: "x" }, after: { name: "f", owner: "y" } }]);
    await note([{ name: "f", before: { name: "f", owner: "y" } }]);
    const diff = async (from: bigint, to: bigint) =>
      pathsOf((await admin.ask(revisions.diffRevisions, { from, to })).changes);
    expect(await diff(2n, 3n)).toEqual([["f", 2, ["owner"]]]);
    expect(await diff(3n, 4n)).toEqual([["f", 3, ["name", "owner"]]]);
    expect(await diff(3n, 1n)).toEqual([
      ["a", 3, ["name", "route_type", "model.provider", "model.name", "model.config.openai_api_key"]],
      ["f", 2, ["owner"]],
    ]);
    expect((await diff(0n, 4n)).map(([route]) => route)).toEqual(["a"]);
  });
});

describe("a rollback", () => {
  it("makes the routes what they were, secrets too, by a new revision", async () => {
    const admin = await adminUnderTest();
    await made(admin, chat("a"));
    await made(admin, chat("b"));
    await admin.ask(routes.updateRoute, { route: { name: "a", model: { config: { openai_api_key: "sk-2" } } } });
    await admin.ask(routes.deleteRoute, { name: "b" });
    const { revision } = await admin.ask(revisions.rollbackRevision, { number: 2n, reason: "worse" });
    expect(revision).toMatchObject({ number: 5n, restores: 2n, reason: "worse" });
    expect(await openOf(admin, "a")).toMatchObject({ model: { config: { openai_api_key: "sk-1 secret" } } });
    expect((await admin.ask(routes.getRoute, { name: "b" })).route).toMatchObject({ revision: 5n });
    expect(admin.applied.at(-1)).toBe(5);
  });

  it("is not made with validate_only, and not to where there is nothing", async () => {
    const admin = await adminUnderTest();
    await made(admin, chat("a"));
    await update(admin, "x");
    const { revision } = await admin.ask(revisions.rollbackRevision, { number: 1n, validateOnly: true });
    expect(pathsOf(revision!.changes)).toEqual([["a", 2, ["owner"]]]);
    expect((await admin.ledger.head()).revision).toBe(2);
    await expect(admin.ask(revisions.rollbackRevision, { number: 7n })).rejects.toEqual(
      refusal("RESOURCE_UNKNOWN", "7"),
    );
  });

  it("to a route whose name the file has now is refused with the place", async () => {
    const keys = { current: newSealingKey(), former: [] };
    const admin = await adminUnderTest({ keys });
    await made(admin, chat("ours"));
    await admin.ask(routes.deleteRoute, { name: "ours" });
    const later = await adminUnderTest({ file: FILE, ledger: admin.ledger, keys });
    await expect(later.ask(revisions.rollbackRevision, { number: 1n })).rejects.toEqual(
      refusal("RESOURCE_OWNED", "polygate.yaml:2"),
    );
  });
});

describe("a staged revision", () => {
  it("keeps others from being made until it is promoted", async () => {
    const admin = await adminUnderTest();
    await made(admin, chat("a"));
    await update(admin, "x", { percent: 10 });
    expect(await summary(admin)).toEqual(["2 UPDATE STAGED 0 anonymous", "1 CREATE LIVE 0 anonymous"]);
    const { stage } = (await admin.ask(revisions.getRevision, { number: 2n })).revision!;
    expect(stage).toMatchObject({ percent: 10, marginPercent: 5, window: { seconds: 60n }, minCalls: 20 });
    const staged = refusal("RESOURCE_OWNED", "Revision 2 is staged for 10 %");
    await expect(update(admin, "y")).rejects.toEqual(staged);
    await expect(made(admin, chat("b"))).rejects.toEqual(staged);
    await admin.ask(revisions.promoteRevision, { number: 2n, percent: 50 });
    expect((await admin.ledger.head()).stage).toMatchObject({ revision: 2, parent: 1, percent: 50 });
    await admin.ask(revisions.promoteRevision, { number: 2n });
    expect(await summary(admin)).toEqual(["2 UPDATE LIVE 0 anonymous", "1 CREATE PAST 0 anonymous"]);
    await expect(admin.ask(revisions.promoteRevision, { number: 2n })).rejects.toEqual(
      refusal("RESOURCE_OWNED", "not staged"),
    );
    await update(admin, "y");
  });

  it("is decided about by nobody who may not change its routes", async () => {
    const admin = await adminUnderTest();
    await made(admin, chat("a"));
    await update(admin, "x", { percent: 10 });
    const ann = principalOf("ann", "k", [{ realm: "admin", operations: ["*"], routes: ["team-*"] }]);
    const refused = refusal("CALLER_FORBIDDEN", '"a"');
    for (const number of [1n, 2n]) {
      await expect(admin.ask(revisions.rollbackRevision, { number }, ann)).rejects.toEqual(refused);
      await expect(admin.ask(revisions.promoteRevision, { number }, ann)).rejects.toEqual(refused);
    }
    expect((await admin.ledger.head()).stage).toMatchObject({ revision: 2 });
  });

  it("ends with a rollback to its parent", async () => {
    const admin = await adminUnderTest();
    await made(admin, chat("a"));
    await update(admin, "x", { percent: 10 });
    await admin.ask(revisions.rollbackRevision, { number: 1n });
    expect((await admin.ledger.head()).stage).toBeUndefined();
    expect(await openOf(admin, "a")).not.toHaveProperty("owner");
  });

  it("is given up by the gateway once, however many see it fail", async () => {
    const admin = await adminUnderTest();
    await made(admin, chat("a"));
    await update(admin, "x", { percent: 10 });
    const ended = await Promise.all([giveUpStage(admin.parts, 2, "9 % failed"), giveUpStage(admin.parts, 2, "9 %")]);
    expect(ended.filter((one) => one !== undefined)).toHaveLength(1);
    expect(await summary(admin)).toEqual([
      "3 AUTOMATIC_ROLLBACK LIVE 1 gateway",
      "2 UPDATE PAST 0 anonymous",
      "1 CREATE PAST 0 anonymous",
    ]);
    expect(await openOf(admin, "a")).not.toHaveProperty("owner");
    const { events } = await admin.ask(audit.listAuditEvents, { filter: "actor = gateway" });
    expect(events).toMatchObject([{ resource: "revisions/2", outcome: "ok", revision: 3n }]);
  });
});
