/** Several gateways on one PostgreSQL, and what they do without it. */
import { Code } from "@connectrpc/connect";
import { expect, it } from "vitest";
import { Realm } from "../../gen/polygate/admin/v1/key_admin_pb.js";
import { postgresSuite } from "../contract/ledger-places.ts";
import { keptLog } from "../support/log.ts";
import { chat, runAdmin, simulated } from "./gateway.ts";

const KEY = "ab".repeat(32);
const BOSS = "key-of-the-boss-1234567890";
const config = (url: string, auth = "") => `
log: { level: warn }
store: { kind: postgres, url: "${url}", encryption_key: "${KEY}" }
${auth}
routes:
  - { name: ours, route_type: llm/v1/chat, model: { provider: simulator, name: m, config: { reply: from the file } } }
`;

postgresSuite("gateways on one PostgreSQL", (server) => {
  it("agree on a new route within a second, and on who made the file's revision", async () => {
    const text = config(await server().newDatabase());
    await using one = await runAdmin(text);
    await using two = await runAdmin(text, { workers: 2 });
    await one.routes.createRoute({ route: simulated("new", "one") });
    await expect.poll(() => chat(two.url, "new"), { timeout: 1_000, interval: 20 }).toBe("one");
    await two.routes.updateRoute({ route: simulated("new", "two") });
    expect(await chat(two.url, "new")).toBe("two");
    await expect.poll(() => chat(one.url, "new"), { timeout: 1_000, interval: 20 }).toBe("two");
    const { revisions } = await one.revisions.listRevisions({});
    expect(revisions.map(({ number }) => Number(number))).toEqual([3, 2, 1]);
  });

  it("let a revoked key in no more within a second", async () => {
    const auth = `auth: { keys: [{ name: boss, key: ${BOSS}, scopes: [{ realm: admin }, { realm: inference }] }] }`;
    const text = config(await server().newDatabase(), auth);
    await using one = await runAdmin(text, { workers: 2 });
    await using two = await runAdmin(text);
    const headers = { authorization: `Bearer ${BOSS}` };
    const scopes = [{ realm: Realm.INFERENCE }];
    const { key, secret } = await one.keys.createKey({ name: "guest", scopes }, { headers });
    const enter = async (url: string) => {
      const body = JSON.stringify({ model: "ours", messages: [{ role: "user", content: "hi" }] });
      const own = { "content-type": "application/json", authorization: `Bearer ${secret}`, connection: "close" };
      const response = await fetch(`${url}/v1/chat/completions`, { method: "POST", headers: own, body });
      await response.arrayBuffer();
      return response.status;
    };
    expect(await enter(one.url)).toBe(200);
    await expect.poll(() => enter(two.url), { timeout: 1_000, interval: 20 }).toBe(200);
    await one.keys.revokeKey({ id: key!.id }, { headers });
    for (let i = 0; i < 6; i++) expect(await enter(one.url)).toBe(401);
    await expect.poll(() => enter(two.url), { timeout: 1_000, interval: 20 }).toBe(401);
  });

  it("go on with what is live while the database is gone, refuse to write, and catch up", async () => {
    const { log, lines } = keptLog();
    await using running = await runAdmin(config(await server().newDatabase()), { log });
    const { url, routes } = running;
    await routes.createRoute({ route: simulated("new", "one") });
    await server().kill();
    try {
      expect([await chat(url, "new"), await chat(url, "ours")]).toEqual(["one", "from the file"]);
      await expect(routes.updateRoute({ route: simulated("new", "two") })).rejects.toMatchObject({
        code: Code.Unavailable,
      });
      expect(await chat(url, "new")).toBe("one");
      await expect
        .poll(async () => (await fetch(`${url}/readyz`)).json(), { timeout: 5_000 })
        .toEqual({
          status: "degraded",
          degraded: ["store"],
        });
    } finally {
      await server().start();
    }
    await expect
      .poll(() => routes.updateRoute({ route: simulated("new", "three") }).then(() => chat(url, "new"), String), {
        timeout: 10_000,
      })
      .toBe("three");
    expect(lines.join("")).not.toContain("canary-of-the-database");
  });

  it("do not start without it, and say so", async () => {
    const url = await server().newDatabase();
    const wrong = config(url.replace(/\/[^/]*$/, "/nowhere"));
    await expect(runAdmin(wrong)).rejects.toMatchObject({ name: "StoreRefused", exitCode: 1 });
  });

  it("do not start with another key than the database was sealed with", async () => {
    const text = config(await server().newDatabase());
    await using first = await runAdmin(text);
    await first.routes.createRoute({ route: simulated("new", "one") });
    await expect(runAdmin(text.replace(KEY, "cd".repeat(32)))).rejects.toMatchObject({
      name: "StoreRefused",
      exitCode: 2,
      message: expect.stringMatching(/former_encryption_keys/),
    });
  });
});
