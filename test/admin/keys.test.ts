/** Keys of the store over sockets: made, shown in every form to every protocol, rotated and ended, on every worker. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { Realm } from "../../gen/polygate/admin/v1/key_admin_pb.js";
import { type Headers, WAYS } from "../policies/ways.ts";
import { polygate, startGateway } from "../support/gateway.ts";
import { type Running, runAdmin } from "./gateway.ts";

const ROOT = "root-0123456789-abcdefghijklmnopqrstuvwxyz";
const auth = { headers: { authorization: `Bearer ${ROOT}` } };
const TYPES = [
  ["chat", "llm/v1/chat"],
  ["completions", "llm/v1/completions"],
  ["embeddings", "llm/v1/embeddings"],
  ["predictions", "mlflow/v1/predictions"],
];
const routes = TYPES.map(([name, type]) => `- { name: ${name}, route_type: ${type}, model: { provider: simulator } }`);
const FILE = `auth: { keys: [{ name: root, key: ${ROOT}, scopes: [{ realm: inference }, { realm: admin }] }] }
log: { level: error }
routes:
${routes.join("\n")}
`;

const basic = (pair: string) => `Basic ${Buffer.from(pair).toString("base64")}`;
const FORMS: readonly (readonly [string, (key: string) => Headers])[] = [
  ["Bearer", (key) => ({ authorization: `Bearer ${key}` })],
  ["Basic", (key) => ({ authorization: basic(`anybody:${key}`) })],
  ["x-api-key", (key) => ({ "x-api-key": key })],
  ["api-key", (key) => ({ "api-key": key })],
  ["x-goog-api-key", (key) => ({ "x-goog-api-key": key })],
];
const INFERENCE = { realm: Realm.INFERENCE };

/** Statuses of as many requests at once, each on a connection of its own, so that every worker has some. */
async function statuses(url: string, key: string, count = 24): Promise<number[]> {
  const ask = () => fetch(`${url}/v1/models`, { headers: { "x-api-key": key, connection: "close" } });
  const replies = await Promise.all(Array.from({ length: count }, ask));
  return [...new Set(replies.map(({ status }) => status))];
}

describe("a key of the store is taken", () => {
  it.each(FORMS)("as %s, by every protocol", async (_, form) => {
    await using running = await runAdmin(FILE);
    const { secret } = await running.keys.createKey({ name: "ann", scopes: [INFERENCE] }, auth);
    const wrong = secret.slice(0, -1) + (secret.endsWith("A") ? "B" : "A");
    for (const { name, ask, unknown } of WAYS) {
      const admins = name.includes("admin");
      const want = admins ? "PermissionDenied CALLER_FORBIDDEN" : "ok";
      expect([name, (await ask(running.url, form(secret))).said]).toEqual([name, want]);
      expect([name, (await ask(running.url, form(wrong))).said]).toEqual([name, unknown]);
    }
  });

  it("for its own routes and operations, in every dialect", async () => {
    await using running = await runAdmin(FILE);
    const scope = { ...INFERENCE, operations: ["embeddings"], routes: ["emb*"] };
    const { secret } = await running.keys.createKey({ name: "ann", scopes: [scope] }, auth);
    for (const { name, route, ask } of WAYS.filter(({ route }) => route !== undefined)) {
      const { said } = await ask(running.url, { "x-api-key": secret });
      if (route === "embeddings") expect([name, said]).toEqual([name, "ok"]);
      else expect([name, said]).toEqual([name, expect.stringMatching(/^(?:403 |PermissionDenied CALLER_FORBIDDEN)/)]);
    }
  });
});

describe.each([1, 2])("with %i workers", (workers) => {
  const open = () => runAdmin(FILE, { workers });

  it("a key is good once it is made, and for nothing once it is revoked", async () => {
    await using running = await open();
    const { key, secret } = await running.keys.createKey({ name: "ann", scopes: [INFERENCE] }, auth);
    expect(await statuses(running.url, secret)).toEqual([200]);
    await running.keys.revokeKey({ id: key!.id }, auth);
    expect(await statuses(running.url, secret)).toEqual([401]);
    expect(await statuses(running.url, ROOT)).toEqual([200]);
  });

  it("a key and the one in its place are both good while they overlap", async () => {
    await using running = await open();
    const old = await running.keys.createKey({ name: "ann", scopes: [INFERENCE] }, auth);
    const next = await running.keys.rotateKey({ id: old.key!.id, overlap: durationFromMs(1_500) }, auth);
    expect([await statuses(running.url, old.secret), await statuses(running.url, next.secret)]).toEqual([[200], [200]]);
    await expect.poll(() => statuses(running.url, old.secret), { timeout: 5_000, interval: 100 }).toEqual([401]);
    expect(await statuses(running.url, next.secret)).toEqual([200]);
  });

  it("a key ends by itself when its time is over", async () => {
    await using running = await open();
    const expireTime = timestampFromMs(Date.now() + 1_500);
    const { secret } = await running.keys.createKey({ name: "ann", scopes: [INFERENCE], expireTime }, auth);
    expect(await statuses(running.url, secret)).toEqual([200]);
    await expect.poll(() => statuses(running.url, secret), { timeout: 5_000, interval: 100 }).toEqual([401]);
  });

  it("those who ask for more than they may are written down, and strangers", async () => {
    await using running = await open();
    const { key, secret } = await running.keys.createKey({ name: "ann", scopes: [INFERENCE] }, auth);
    const as = (value: string) => ({ headers: { "x-api-key": value, "x-request-id": "a-refused-act" } });
    await expect(running.keys.createKey({ name: "eve", scopes: [INFERENCE] }, as(secret))).rejects.toThrow("may not");
    await expect(running.routes.deleteRoute({ name: "chat" }, as("nobody"))).rejects.toThrow("a key that it knows");
    const refused = async () => {
      const { events } = await running.audit.listAuditEvents({}, auth);
      return events
        .filter(({ requestId }) => requestId === "a-refused-act")
        .map(({ actor, keyId, action, outcome }) => [actor, keyId, action.split("/")[1], outcome])
        .sort(([, one = ""], [, other = ""]) => one.localeCompare(other));
    };
    await expect.poll(refused, { timeout: 5_000, interval: 50 }).toEqual([
      ["", "", "DeleteRoute", "CALLER_UNKNOWN"],
      ["ann", key!.id, "CreateKey", "CALLER_FORBIDDEN"],
    ]);
  });
});

describe("the first admin's key", () => {
  const NO_KEYS = `auth: {}\nroutes:\n${routes.join("\n")}\n`;
  const made = /first admin key, .*\n +(pg_\S+)/;
  const mayMake = async ({ url }: Pick<Running, "url">, key: string) => {
    const reply = await fetch(`${url}/polygate.admin.v1.KeyAdminService/CreateKey`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
      body: JSON.stringify({ name: "ann", scopes: [{ realm: "REALM_INFERENCE" }] }),
    });
    return reply.status;
  };

  it.each(["1", "2"])("is made and printed once where nobody has one, with %s workers", async (workers) => {
    await using gateway = await startGateway(NO_KEYS, { args: ["--workers", workers] });
    const [, key] = await gateway.logged(made);
    expect(await mayMake(gateway, key!)).toBe(200);
    const kept = await readFile(join(gateway.configPath, "../polygate.db"), "latin1");
    expect(kept).not.toContain(key!.slice(16));
    expect(gateway.log.split(key!)).toHaveLength(2);
    await using second = await startGateway(undefined, {
      args: ["--workers", workers],
      env: { MLFLOW_GATEWAY_CONFIG: gateway.configPath },
    });
    expect(await mayMake(second, key!)).toBe(200);
    expect(second.log).not.toMatch(made);
  });

  it("is the environment's, which nobody repeats", async () => {
    await using gateway = await startGateway(NO_KEYS, { env: { POLYGATE_ADMIN_KEY: ROOT } });
    expect(await mayMake(gateway, ROOT)).toBe(200);
    expect(gateway.log).not.toMatch(made);
    expect(gateway.log).not.toContain(ROOT);
  });

  it("is not made beside an admin's key in the file", async () => {
    await using gateway = await startGateway(`store: sqlite\n${FILE}`, {});
    expect(await mayMake(gateway, ROOT)).toBe(200);
    expect(gateway.log).not.toMatch(made);
  });

  it("is refused with what to do when it can be none", async () => {
    await using gateway = await startGateway(NO_KEYS, {});
    const config = ["start", "--port", "0", "--config-path", gateway.configPath];
    const { code, err } = await polygate(config, { env: { POLYGATE_ADMIN_KEY: "short" } });
    expect(code).not.toBe(0);
    expect(err).toContain("POLYGATE_ADMIN_KEY is no key");
  });
});
