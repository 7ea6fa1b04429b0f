/** What a key that has a part of the routes gets of the others: nothing. */
import { describe, expect, it } from "vitest";
import {
  type AdminUnderTest,
  adminUnderTest,
  audit,
  chat,
  keyMethods,
  made,
  maskOf,
  openOf,
  type RouteInit,
  refusal,
  revisions,
  routes,
} from "../../test/support/admin.ts";
import { isSecret } from "../config/secrets.ts";
import { principalOf } from "../core/grants.ts";
import { kinds } from "../kinds.ts";
import { providerKinds } from "../registry.ts";
import { isAddress } from "./addresses.ts";

const FILE = `routes:
- name: ours
  route_type: llm/v1/chat
  model: {provider: openai, name: gpt-4o, config: {openai_api_key: "sk-of the file"}}
`;

const TEAM = principalOf("team", "k1", [
  { realm: "admin", operations: ["routes.read", "routes.write"], routes: ["a-*"] },
]);
const over = (name: string, other: string): RouteInit => ({
  name,
  routeType: "llm/v1/chat",
  destinations: [{ name: other, trafficPercentage: 100 }],
});

describe("calls are spread over the models of another route", () => {
  it.each(["ours", "b", "missing"])("by those alone who may change it: %s is not theirs", async (other) => {
    const admin = await adminUnderTest({ file: FILE });
    await made(admin, chat("b"));
    await made(admin, chat("a-1"));
    const forbidden = refusal("CALLER_FORBIDDEN", "routes.write", other);
    const route = over("a-2", other);
    await expect(admin.ask(routes.createRoute, { route }, TEAM)).rejects.toEqual(forbidden);
    const change = { route: { ...route, name: "a-1" }, updateMask: { paths: ["*"] }, validateOnly: true };
    await expect(admin.ask(routes.updateRoute, change, TEAM)).rejects.toEqual(forbidden);
    const missing = { route, allowMissing: true };
    await expect(admin.ask(routes.updateRoute, missing, TEAM)).rejects.toEqual(forbidden);
  });

  it("and brought back by those alone", async () => {
    const admin = await adminUnderTest({ file: FILE });
    const { revision } = await made(admin, over("a-1", "ours"));
    await admin.ask(routes.deleteRoute, { name: "a-1" });
    await expect(admin.ask(revisions.rollbackRevision, { number: revision }, TEAM)).rejects.toEqual(
      refusal("CALLER_FORBIDDEN", "ours"),
    );
  });

  it("and left as they are by whoever changes the rest", async () => {
    const admin = await adminUnderTest({ file: FILE });
    await made(admin, over("a-1", "ours"));
    const route = { name: "a-1", description: "ours, too" };
    expect((await admin.ask(routes.updateRoute, { route }, TEAM)).route?.spec).toMatchObject(route);
    await made(admin, chat("a-2"));
    expect(await admin.ask(routes.createRoute, { route: over("a-3", "a-2") }, TEAM)).toBeDefined();
  });
});

describe("a secret stays where it is sent", () => {
  const address = (base_url: string, config = {}): RouteInit => ({
    name: "a",
    model: { config: { base_url, ...config } },
  });
  const moved = refusal("FIELD_INVALID", "openai_api_key", "another address", "send the secret itself");

  it("when a model gets another address, unless it is sent with it", async () => {
    const admin = await adminUnderTest();
    const mask = maskOf(await made(admin, chat("a")));
    const evil = "https://evil.example/v1";
    const whole = chat("a", { model: { provider: "openai", config: { openai_api_key: mask, base_url: evil } } });
    const another = { provider: "groq", name: "m", config: { api_key: mask } };
    for (const change of [
      { route: address(evil) },
      { route: address(evil), updateMask: { paths: ["model.config.base_url"] } },
      { route: address(evil, { openai_api_key: mask }) },
      { route: { name: "a", model: { config: { openai_api_base: evil } } } },
      { route: whole, updateMask: { paths: ["*"] } },
    ])
      await expect(admin.ask(routes.updateRoute, change)).rejects.toEqual(moved);
    await expect(admin.ask(routes.updateRoute, { route: { name: "a", model: another } })).rejects.toEqual(
      refusal("FIELD_INVALID", "api_key", "another address"),
    );
    await admin.ask(routes.updateRoute, { route: address(evil, { openai_api_key: "sk-2 other" }) });
    expect(await openOf(admin, "a")).toMatchObject({ model: { config: { openai_api_key: "sk-2 other" } } });
    await expect(admin.ask(routes.updateRoute, { route: address("") })).rejects.toEqual(moved);
  });

  it("when it would be another target's of the same route", async () => {
    const admin = await adminUnderTest();
    const target = (key: string, base_url: string) => ({
      model: { provider: "openai", name: "m", config: { openai_api_key: key, base_url } },
    });
    const bases = ["https://one.example/v1", "https://two.example/v1"] as const;
    const both = [target("sk-1 one", bases[0]), target("sk-2 two", bases[1])];
    const { spec } = await made(admin, { name: "a", routeType: "llm/v1/chat", targets: both });
    const masks = spec!.targets.map(({ model }) => model!.config!["openai_api_key"] as string);
    const write = (targets: typeof both) =>
      admin.ask(routes.updateRoute, { route: { name: "a", targets }, updateMask: { paths: ["targets"] } });
    await write([target(masks[1]!, bases[1]), target(masks[0]!, bases[0])]);
    expect(await openOf(admin, "a")).toMatchObject({ targets: [both[1], both[0]] });
    await expect(write([target(masks[1]!, bases[0])])).rejects.toEqual(
      refusal("FIELD_INVALID", "targets[0].model.config.openai_api_key", "another address"),
    );
  });

  it("and every setting that moves a provider is known for one", async () => {
    for (const kind of providerKinds) {
      const settings = (await kinds.provider(kind))!.settings;
      const names = settings.fields.map(({ name }) => name);
      expect(
        names.filter((name) => /url|base|host|endpoint|uri/i.test(name) && !isAddress(name)),
        kind,
      ).toEqual([]);
      expect(
        settings.fields.filter((field) => isAddress(field.name) && isSecret(field)),
        kind,
      ).toEqual([]);
    }
  });
});

describe("what is written down", () => {
  const eventsOf = async (admin: AdminUnderTest) => (await admin.ask(audit.listAuditEvents, {})).events;

  it("is short, however long the name is that was refused", async () => {
    const admin = await adminUnderTest();
    const name = "x".repeat(100_000);
    const long = refusal("FIELD_INVALID", "512 characters");
    await expect(admin.ask(routes.deleteRoute, { name }, TEAM)).rejects.toEqual(long);
    await expect(made(admin, chat(name))).rejects.toEqual(long);
    const request = { model: name };
    await expect(admin.ask(routes.explainRoute, { operation: "chat", request }, TEAM)).rejects.toEqual(long);
    expect((await eventsOf(admin)).map(({ resource }) => resource.length)).toEqual([519, 519]);
  });

  it("has no route that fills the memory of who reads it", async () => {
    const admin = await adminUnderTest();
    const model = { provider: "simulator", name: "m".repeat(1000) };
    const targets = Array.from({ length: 300 }, () => ({ model }));
    await expect(made(admin, { name: "a", routeType: "llm/v1/chat", targets })).rejects.toEqual(
      refusal("FIELD_INVALID", "route", "256 KiB"),
    );
    expect(await made(admin, { name: "a", routeType: "llm/v1/chat", targets: targets.slice(0, 200) })).toBeDefined();
  });

  it("names no key as the gateway names itself", async () => {
    const admin = await adminUnderTest();
    for (const name of ["gateway", "file", "anonymous", "bootstrap-admin"])
      await expect(admin.ask(keyMethods.createKey, { name, scopes: [{ realm: 1 }] })).rejects.toEqual(
        refusal("FIELD_INVALID", "name", "the gateway calls itself"),
      );
  });
});

it("what another key may do is explained to those alone who may read keys", async () => {
  const admin = await adminUnderTest();
  await made(admin, chat("a-1"));
  const ask = (principal: string) =>
    admin.ask(routes.explainRoute, { operation: "chat", request: { model: "a-1" }, principal }, TEAM);
  await expect(ask("k2")).rejects.toEqual(refusal("CALLER_FORBIDDEN", "keys.read"));
  // The site that tests have explains nothing: whoever comes as far was let through.
  for (const self of ["", "k1"]) await expect(ask(self)).rejects.toEqual(refusal("INTERNAL"));
});

describe("a key that has a part of the routes", () => {
  it("reads no key of another part", async () => {
    const admin = await adminUnderTest();
    const reader = principalOf("reader", "", [{ realm: "admin", operations: ["keys.read"], routes: ["a-*"] }]);
    const make = async (name: string, ...globs: string[]) =>
      (await admin.ask(keyMethods.createKey, { name, scopes: globs.map((glob) => ({ realm: 1, routes: [glob] })) }))
        .key!;
    const made = [
      await make("theirs", "a-*", "a-1"),
      await make("wide", "*"),
      await make("both", "a-1", "b-1"),
      await make("like", "a*"),
    ];
    const { keys } = await admin.ask(keyMethods.listKeys, {}, reader);
    expect(keys.map(({ name }) => name)).toEqual(["theirs"]);
    expect(await admin.ask(keyMethods.getKey, { id: made[0]!.id }, reader)).toBeDefined();
    for (const { id } of made.slice(1))
      await expect(admin.ask(keyMethods.getKey, { id }, reader)).rejects.toEqual(refusal("RESOURCE_UNKNOWN", id));
    const self = principalOf("wide", made[1]!.id, reader.grants);
    expect((await admin.ask(keyMethods.getKey, { id: made[1]!.id }, self)).key?.name).toBe("wide");
  });

  it("is not told why routes changed that it may not see", async () => {
    const admin = await adminUnderTest();
    for (const name of ["a-1", "b-1"])
      await admin.ask(routes.createRoute, { route: chat(name), reason: `for ${name}` });
    const { revisions: found } = await admin.ask(revisions.listRevisions, {}, TEAM);
    expect(found.map(({ reason }) => reason)).toEqual(["", "for a-1"]);
  });
});
