import { describe, expect, it } from "vitest";
import type { Route } from "../../gen/polygate/admin/v1/route_admin_pb.js";
import { adminUnderTest, audit, chat, made, type RouteInit, refusal, routes } from "../../test/support/admin.ts";
import { principalOf } from "../core/grants.ts";

const FILE = `routes:
- name: ours
  route_type: llm/v1/chat
  labels: {team: search}
  model: {provider: openai, name: gpt-4o, config: {openai_api_key: "sk-of the file"}}
`;

describe("a list of routes", () => {
  const namesOf = ({ routes: found }: { routes: readonly Route[] }) => found.map(({ name }) => name);

  it("has the file's first, and is cut into pages that hold together when routes come and go", async () => {
    const admin = await adminUnderTest({ file: FILE });
    for (const name of ["d", "b", "c", "a"]) await made(admin, chat(name));
    const first = await admin.ask(routes.listRoutes, { pageSize: 3 });
    expect(namesOf(first)).toEqual(["ours", "a", "b"]);
    await admin.ask(routes.deleteRoute, { name: "b" });
    const second = await admin.ask(routes.listRoutes, { pageSize: 3, pageToken: first.nextPageToken });
    expect(namesOf(second)).toEqual(["c", "d"]);
    const third = await admin.ask(routes.listRoutes, { pageToken: "" });
    expect(namesOf(third)).toEqual(["ours", "a", "c", "d"]);
    expect(third.nextPageToken).toBe("");
  });

  it("takes a token for its own question only", async () => {
    const admin = await adminUnderTest({ file: FILE });
    await made(admin, chat("a"));
    const { nextPageToken } = await admin.ask(routes.listRoutes, { pageSize: 1 });
    for (const other of [{ filter: "name = a" }, { orderBy: "name" }])
      await expect(admin.ask(routes.listRoutes, { pageToken: nextPageToken, ...other })).rejects.toEqual(
        refusal("FIELD_INVALID", "page_token"),
      );
  });

  it("of a negative size is refused by the rules of the protos, whoever asks", async () => {
    const admin = await adminUnderTest();
    await expect(admin.ask(routes.listRoutes, { pageSize: -1 })).rejects.toEqual(refusal("FIELD_INVALID", "page_size"));
  });

  it("is ordered and filtered", async () => {
    const admin = await adminUnderTest({ file: FILE });
    await made(admin, chat("b", { labels: { team: "ads" } }));
    await made(admin, chat("a", { labels: { team: "search" }, lifecycle: 1 }));
    const list = async (question: { filter?: string; orderBy?: string }) =>
      namesOf(await admin.ask(routes.listRoutes, question));
    expect(await list({ orderBy: "name desc" })).toEqual(["ours", "b", "a"]);
    expect(await list({ orderBy: "create_time" })).toEqual(["ours", "b", "a"]);
    expect(await list({ filter: 'labels.team = "search" AND source != file' })).toEqual(["a"]);
    expect(await list({ filter: "lifecycle = draft" })).toEqual(["a"]);
    expect(await list({ filter: "model:GPT AND provider = open*" })).toEqual(["ours", "a", "b"]);
    await expect(list({ filter: "colour = red" })).rejects.toEqual(refusal("FIELD_INVALID", "colour"));
    await expect(list({ filter: "name =" })).rejects.toEqual(refusal("FIELD_INVALID", "filter"));
    await expect(list({ orderBy: "size" })).rejects.toEqual(refusal("FIELD_INVALID", "order_by"));
  });
});

describe("who may", () => {
  const grant = (operations: string[], globs: string[]) =>
    principalOf("ann", "k1", [{ realm: "admin", operations, routes: globs }]);

  it("do something to some routes is shown those and refused the others, which is written down", async () => {
    const admin = await adminUnderTest({ file: FILE });
    await made(admin, chat("team-a"));
    const ann = grant(["routes.read", "routes.write"], ["team-*"]);
    const { routes: shown } = await admin.ask(routes.listRoutes, {}, ann);
    expect(shown.map(({ name }) => name)).toEqual(["team-a"]);
    const forbidden = refusal("CALLER_FORBIDDEN");
    await expect(admin.ask(routes.getRoute, { name: "ours" }, ann)).rejects.toEqual(forbidden);
    await expect(admin.ask(routes.createRoute, { route: chat("b") }, ann)).rejects.toEqual(forbidden);
    await expect(admin.ask(audit.listAuditEvents, {}, ann)).rejects.toEqual(forbidden);
    const { events } = await admin.ask(audit.listAuditEvents, { filter: "actor = ann" });
    expect(events.map(({ action, resource, outcome, keyId }) => ({ action, resource, outcome, keyId }))).toEqual([
      {
        action: "polygate.admin.v1.AuditService/ListAuditEvents",
        resource: "",
        outcome: "CALLER_FORBIDDEN",
        keyId: "k1",
      },
      {
        action: "polygate.admin.v1.RouteAdminService/CreateRoute",
        resource: "routes/b",
        outcome: "CALLER_FORBIDDEN",
        keyId: "k1",
      },
      {
        action: "polygate.admin.v1.RouteAdminService/GetRoute",
        resource: "routes/ours",
        outcome: "CALLER_FORBIDDEN",
        keyId: "k1",
      },
    ]);
  });
});

describe("what there is", () => {
  it("in providers is told with their settings, and which are secret", async () => {
    const admin = await adminUnderTest();
    const { providers } = await admin.ask(routes.listProviders, {});
    const openai = providers.find(({ name }) => name === "openai")!;
    expect(openai.settings).toContainEqual(
      expect.objectContaining({ name: "openai_api_key", type: "string", secret: true, repeated: false }),
    );
  });

  it("in models is told once each, with the routes that use it", async () => {
    const admin = await adminUnderTest({ file: FILE });
    await made(admin, chat("a"));
    const { models } = await admin.ask(routes.listModels, {});
    expect(models).toMatchObject([{ model: { provider: "openai", name: "gpt-4o" }, routes: ["ours", "a"] }]);
  });

  it("different between wanted and live routes is told by exact paths, absent secrets left out", async () => {
    const admin = await adminUnderTest({ file: FILE });
    await made(admin, chat("a", { labels: { team: "x" } }));
    await made(admin, chat("gone"));
    const bare = { provider: "openai", name: "gpt-4o" };
    const wanted: RouteInit[] = [
      chat("a", { model: bare, labels: { team: "y" } }),
      chat("new", { model: bare }),
      chat("ours", { labels: { team: "search" }, model: bare }),
    ];
    const { changes } = await admin.ask(routes.diffRoutes, { routes: wanted, prune: true });
    expect(changes.map(({ route, kind, fields }) => [route, kind, fields.map(({ path }) => path)])).toEqual([
      ["a", 2, ["labels.team"]],
      ["new", 1, ["name", "route_type", "model.provider", "model.name"]],
      ["gone", 3, ["name", "route_type", "model.provider", "model.name", "model.config.openai_api_key"]],
    ]);
    expect(changes[0]!.fields[0]).toMatchObject({
      before: { kind: { value: "x" } },
      after: { kind: { value: "y" } },
    });
  });
});

it("lists thousands of routes with pauses for others", async () => {
  const admin = await adminUnderTest();
  const changes = Array.from({ length: 10_000 }, (_, index) => ({
    name: `r${index}`,
    before: undefined,
    after: { name: `r${index}`, route_type: "llm/v1/chat", model: { provider: "openai", name: "gpt-4o" } },
  }));
  const how = { at: 1, author: "", cause: "create", reason: "", file: "", restores: 0 } as const;
  await admin.ledger.write((tx) => tx.addRevision({ ...how, changes }));
  let turns = 0;
  let reading = true;
  const turn = () => {
    turns++;
    if (reading) setImmediate(turn);
  };
  setImmediate(turn);
  const page = await admin.ask(routes.listRoutes, { pageSize: 10, orderBy: "name" });
  reading = false;
  expect(page.routes).toHaveLength(10);
  expect(turns).toBeGreaterThan(5);
});
