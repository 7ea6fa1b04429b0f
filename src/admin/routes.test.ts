import { fromJson } from "@bufbuild/protobuf";
import { FieldMaskSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import {
  adminUnderTest,
  chat,
  made,
  maskOf,
  openOf,
  type RouteInit,
  refusal,
  routes,
} from "../../test/support/admin.ts";

const FILE = `routes:
- name: ours
  route_type: llm/v1/chat
  labels: {team: search}
  model: {provider: openai, name: gpt-4o, config: {openai_api_key: "sk-of the file"}}
`;

describe("a route", () => {
  it("is made, read and removed, its secret shown as a mask", async () => {
    const admin = await adminUnderTest();
    const route = await made(admin, chat("a"));
    expect(route).toMatchObject({
      name: "a",
      routeType: "llm/v1/chat",
      routeUrl: "/gateway/a/invocations",
      model: { provider: "openai", name: "gpt-4o" },
      targets: [{ name: "0", model: { provider: "openai", name: "gpt-4o" } }],
      source: { owner: { case: "api", value: true } },
      revision: 1n,
      author: "anonymous",
    });
    expect(maskOf(route)).toMatch(/^\*\*\*[0-9a-f]{8}$/);
    expect((await admin.ask(routes.getRoute, { name: "a" })).route).toEqual(route);
    expect(await admin.ask(routes.deleteRoute, { name: "a", etag: route.etag })).toMatchObject({ revision: 2n });
    await expect(admin.ask(routes.getRoute, { name: "a" })).rejects.toEqual(refusal("ROUTE_UNKNOWN", '"a"'));
    expect(admin.applied).toEqual([1, 2]);
  });

  it("is sealed in the store", async () => {
    const admin = await adminUnderTest();
    await made(admin, chat("a"));
    expect(JSON.stringify(await admin.ledger.routes())).not.toContain("sk-1");
    expect(await openOf(admin, "a")).toMatchObject({ model: { config: { openai_api_key: "sk-1 secret" } } });
  });

  it("cannot be made twice, nor without a name", async () => {
    const admin = await adminUnderTest();
    await made(admin, chat("a"));
    await expect(made(admin, chat("a"))).rejects.toEqual(refusal("RESOURCE_EXISTS", '"a"'));
    await expect(made(admin, {})).rejects.toEqual(refusal("FIELD_INVALID", "route.name"));
  });

  it("that cannot be compiled is refused with every problem by its path, and nothing is made", async () => {
    const admin = await adminUnderTest();
    const model = { provider: "openai", name: "m", config: { openai_api_key: "$KEY" } };
    const bad = made(admin, chat("a", { routeType: "llm/v1/chut", model, owner: "x".repeat(300) }));
    await expect(bad).rejects.toMatchObject({
      fault: {
        violations: expect.arrayContaining([
          expect.objectContaining({ field: "route.route_type" }),
          expect.objectContaining({ field: "route.owner" }),
          {
            field: "route.model.config.openai_api_key",
            description: "references are for config files; send the secret itself",
          },
        ]),
      },
    });
    expect((await admin.ledger.head()).revision).toBe(0);
  });

  it("of the file is shown with its place and cannot be changed, which is said with the place", async () => {
    const admin = await adminUnderTest({ file: FILE });
    const { route } = await admin.ask(routes.getRoute, { name: "ours" });
    expect(route).toMatchObject({ source: { owner: { case: "file", value: "polygate.yaml:2" } }, author: "file" });
    expect(maskOf(route!)).toMatch(/^\*\*\*[0-9a-f]{8}$/);
    const owned = refusal("RESOURCE_OWNED", "polygate.yaml:2");
    await expect(made(admin, chat("ours"))).rejects.toEqual(owned);
    await expect(admin.ask(routes.updateRoute, { route: { name: "ours", strict: true } })).rejects.toEqual(owned);
    await expect(admin.ask(routes.deleteRoute, { name: "ours" })).rejects.toEqual(owned);
  });

  it("is looked at and not made with validate_only", async () => {
    const admin = await adminUnderTest();
    const { route } = await admin.ask(routes.createRoute, { route: chat("a"), validateOnly: true });
    expect(route).toMatchObject({ name: "a", revision: 0n, etag: "" });
    expect((await admin.ledger.head()).revision).toBe(0);
    expect(admin.applied).toEqual([]);
  });

  it("that another one spreads its calls over cannot be removed", async () => {
    const admin = await adminUnderTest();
    await made(admin, chat("a"));
    const over: RouteInit = {
      name: "b",
      routeType: "llm/v1/chat",
      destinations: [{ name: "a", trafficPercentage: 100 }],
    };
    expect(await made(admin, over)).toMatchObject({ model: { provider: "openai", name: "gpt-4o" } });
    await expect(admin.ask(routes.deleteRoute, { name: "a" })).rejects.toEqual(
      refusal("FIELD_INVALID", "routes/b.destinations[0].name"),
    );
  });
});

describe("an update", () => {
  it("without a mask changes what is set and nothing else", async () => {
    const admin = await adminUnderTest();
    await made(admin, chat("a", { labels: { team: "x", "a.b/c": "y" }, limits: { maxReplyBytes: 5 } }));
    const change: RouteInit = {
      name: "a",
      labels: { team: "z" },
      limits: { maxRequestBytes: 7 },
      model: { name: "gpt-5" },
    };
    await admin.ask(routes.updateRoute, { route: change });
    expect(await openOf(admin, "a")).toEqual({
      name: "a",
      route_type: "llm/v1/chat",
      labels: { team: "z", "a.b/c": "y" },
      limits: { max_request_bytes: 7, max_reply_bytes: 5 },
      model: { provider: "openai", name: "gpt-5", config: { openai_api_key: "sk-1 secret" } },
    });
  });

  it("clears what its mask names and it does not have, deep in maps and settings too", async () => {
    const admin = await adminUnderTest();
    await made(admin, chat("a", { labels: { team: "x", "a.b/c": "y" }, description: "d", strict: true }));
    const paths = ["labels.a.b/c", "description", "strict", "model.config.openai_organization"];
    const config = { openai_organization: "shop", openai_api_key: "not named" };
    const { route } = await admin.ask(routes.updateRoute, {
      route: { name: "a", model: { config } },
      updateMask: { paths },
    });
    expect(route?.spec).toMatchObject({ labels: { team: "x" }, description: "", strict: false });
    expect((await openOf(admin, "a"))["model"]).toEqual({
      provider: "openai",
      name: "gpt-4o",
      config: { openai_api_key: "sk-1 secret", openai_organization: "shop" },
    });
  });

  it("by a mask from JSON, which has capital letters otherwise, finds the label that is meant", async () => {
    const admin = await adminUnderTest();
    await made(admin, chat("a", { labels: { costCentre: "1", cost_centre: "2" } }));
    const updateMask = fromJson(FieldMaskSchema, "labels.costCentre,labels.Team");
    await admin.ask(routes.updateRoute, { route: { name: "a", labels: { Team: "x" } }, updateMask });
    expect(await openOf(admin, "a")).toMatchObject({ labels: { costCentre: "1", Team: "x" } });
    expect((await openOf(admin, "a"))["labels"]).not.toHaveProperty("cost_centre");
  });

  it("with * replaces all, and with * among others nothing", async () => {
    const admin = await adminUnderTest();
    await made(admin, chat("a", { description: "d" }));
    await admin.ask(routes.updateRoute, { route: chat("a", { owner: "o" }), updateMask: { paths: ["*"] } });
    expect(await openOf(admin, "a")).toMatchObject({ owner: "o" });
    expect(await openOf(admin, "a")).not.toHaveProperty("description");
    await expect(
      admin.ask(routes.updateRoute, { route: chat("a"), updateMask: { paths: ["*", "owner"] } }),
    ).rejects.toEqual(refusal("FIELD_INVALID", "update_mask"));
  });

  it.each([
    ["desription", "did you mean description?"],
    ["limits.total", "total"],
    ["limits.total_timeout.seconds", "no fields of its own"],
    ["targets[0].weight", "targets[0]"],
    ["targets.weight", "changed whole"],
    ["model.config.openai_api_kee", "did you mean openai_api_key?"],
    ["limit.cals", "did you mean calls?"],
    ["a..b", "want names"],
    ["", "want names"],
  ])("with the unknown path %j is refused and told why", async (path, why) => {
    const admin = await adminUnderTest();
    await made(admin, chat("a"));
    await expect(
      admin.ask(routes.updateRoute, { route: { name: "a" }, updateMask: { paths: [path] } }),
    ).rejects.toEqual(refusal("FIELD_INVALID", path, why));
  });

  it("keeps a secret that comes back as its mask, also in another place of a list", async () => {
    const admin = await adminUnderTest();
    const target = (name: string, key: string) => ({
      model: { provider: "openai", name, config: { openai_api_key: key } },
    });
    const route = await made(admin, {
      name: "a",
      routeType: "llm/v1/chat",
      targets: [target("m1", "k one"), target("m2", "k two")],
    });
    const spec = route.spec!;
    spec.targets.reverse();
    await admin.ask(routes.updateRoute, { route: spec, updateMask: { paths: ["*"] }, etag: route.etag });
    expect((await openOf(admin, "a"))["targets"]).toEqual([target("m2", "k two"), target("m1", "k one")]);
  });

  it("with a mask of no secret is refused", async () => {
    const admin = await adminUnderTest();
    await made(admin, chat("a"));
    for (const key of ["***00000000", "***"]) {
      const model = { config: { openai_api_key: key } };
      await expect(admin.ask(routes.updateRoute, { route: { name: "a", model } })).rejects.toEqual(
        refusal("FIELD_INVALID", "route.model.config.openai_api_key", "send the secret itself"),
      );
    }
  });

  it("with a text that looks sealed is refused, wherever it stands", async () => {
    const admin = await adminUnderTest();
    await made(admin, chat("a"));
    const [sealed] = /sealed:v1:[^"]+/.exec(JSON.stringify(await admin.ledger.routes())) ?? [];
    await expect(admin.ask(routes.updateRoute, { route: { name: "a", description: sealed! } })).rejects.toEqual(
      refusal("FIELD_INVALID", "route.description", "sealed:v1:"),
    );
  });

  it("to another provider leaves the settings of the old one behind", async () => {
    const admin = await adminUnderTest();
    await made(admin, chat("a"));
    const model = { provider: "anthropic", name: "claude", config: { anthropic_api_key: "ant" } };
    await admin.ask(routes.updateRoute, { route: { name: "a", model } });
    expect((await openOf(admin, "a"))["model"]).toEqual(model);
  });

  it("that is stale is refused, and one that changes nothing makes no revision", async () => {
    const admin = await adminUnderTest();
    const first = await made(admin, chat("a"));
    const { route } = await admin.ask(routes.updateRoute, { route: { name: "a", owner: "o" }, etag: first.etag });
    await expect(admin.ask(routes.updateRoute, { route: { name: "a", owner: "p" }, etag: first.etag })).rejects.toEqual(
      refusal("STALE_ETAG", '"a"'),
    );
    const again = await admin.ask(routes.updateRoute, { route: { name: "a", owner: "o" }, etag: route!.etag });
    expect(again.route).toEqual(route);
    expect((await admin.ledger.head()).revision).toBe(2);
  });

  it("of no route is refused, or makes it with allow_missing", async () => {
    const admin = await adminUnderTest();
    await expect(admin.ask(routes.updateRoute, { route: chat("a") })).rejects.toEqual(refusal("ROUTE_UNKNOWN"));
    await admin.ask(routes.updateRoute, { route: chat("a"), allowMissing: true });
    expect(await admin.ledger.revision(1)).toMatchObject({ cause: "create" });
  });

  it("by 50 writers at once with the etag that they read has one winner for each etag", async () => {
    const admin = await adminUnderTest();
    await made(admin, chat("a"));
    const wins = new Map<string, number>();
    const writer = async (id: number) => {
      for (;;) {
        const { route } = await admin.ask(routes.getRoute, { name: "a" });
        const { etag } = route!;
        try {
          await admin.ask(routes.updateRoute, { route: { name: "a", labels: { [`w${id}`]: "x" } }, etag });
          wins.set(etag, (wins.get(etag) ?? 0) + 1);
          return;
        } catch (error) {
          expect(error).toEqual(refusal("STALE_ETAG"));
        }
      }
    };
    await Promise.all(Array.from({ length: 50 }, (_, id) => writer(id)));
    expect(Object.keys((await openOf(admin, "a"))["labels"] as object)).toHaveLength(50);
    expect([...wins.values()]).toEqual(Array.from({ length: 50 }, () => 1));
    expect((await admin.ledger.head()).revision).toBe(51);
  }, 60_000);

  it("by two gateways at once on one store loses none, and each is compiled against what was there", async () => {
    const one = await adminUnderTest();
    const two = await adminUnderTest({ ledger: one.ledger, keys: one.keys });
    await made(one, chat("a"));
    const label = (admin: typeof one, key: string) =>
      admin.ask(routes.updateRoute, { route: { name: "a", labels: { [key]: "x" } } });
    const keys = Array.from({ length: 20 }, (_, index) => `k${index}`);
    await Promise.all(keys.map((key, index) => label(index % 2 === 0 ? one : two, key)));
    expect(Object.keys((await openOf(one, "a"))["labels"] as object).sort()).toEqual(keys.sort());
    expect((await one.ledger.head()).revision).toBe(21);
  });
});
