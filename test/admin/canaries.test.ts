/** Secrets planted everywhere, and looked for everywhere. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Realm } from "../../gen/polygate/admin/v1/key_admin_pb.js";
import { fakeUpstream } from "../support/fake-upstream.ts";
import { keptLog } from "../support/log.ts";
import { runAdmin } from "./gateway.ts";

const CANARY = /canary-[a-z]+-[0-9a-f]{12}/;
const canary = (where: string) => `canary-${where}-4f1d77a0c3e2`;
const BOSS = `boss-${canary("boss")}`;
const headers = { authorization: `Bearer ${BOSS}` };
const shown = (value: unknown) =>
  JSON.stringify(value, (_, one: unknown) => (typeof one === "bigint" ? String(one) : one));

it.each([1, 2])("are in no log, metric, error, answer, history or store, with %i workers", async (workers) => {
  // It tells the key that it was sent, as some do.
  await using fake = await fakeUpstream((exchange) => ({
    status: 401,
    headers: { "content-type": "application/json" },
    body: [
      JSON.stringify({ error: { message: `Bad key ${exchange.headers.authorization}`, type: "auth", code: "bad" } }),
    ],
  }));
  const { log, lines } = keptLog();
  await using running = await runAdmin(
    `
log: { level: ${workers === 1 ? "debug" : "silent"} }
admin: { port: 0 }
egress: { allow: [127.0.0.1] }
auth: { keys: [{ name: boss, key: ${BOSS}, scopes: [{ realm: admin }, { realm: inference }] }] }
routes:
  - name: ours
    route_type: llm/v1/chat
    model: { provider: openai, name: m, config: { openai_api_key: ${canary("file")}, base_url: ${fake.url}/v1 } }
`,
    { workers, log },
  );
  const { routes, revisions, keys, audit, url } = running;
  const told: unknown[] = [];
  const tell = async (asked: Promise<unknown>) => {
    told.push(await asked.catch((thrown: unknown) => [String(thrown), shown(thrown)]));
  };
  const model = (key: string) => ({
    provider: "openai",
    name: "m",
    config: { openai_api_key: key, base_url: `${fake.url}/v1` },
  });
  const route = (name: string, key: string) => ({ name, routeType: "llm/v1/chat", model: model(key) });
  await tell(routes.createRoute({ route: route("theirs", canary("api")) }, { headers }));
  await tell(routes.updateRoute({ route: route("theirs", canary("changed")) }, { headers }));
  await tell(routes.createRoute({ route: route("theirs", canary("twice")) }, { headers }));
  const wrong = { ...model(canary("wrong")), provider: "nope" };
  await tell(routes.createRoute({ route: { ...route("bad", ""), model: wrong } }, { headers }));
  const unknown = { provider: "openai", name: "m", config: { openai_api_kee: canary("misspelt") } };
  await tell(routes.createRoute({ route: { ...route("bad", ""), model: unknown } }, { headers }));
  await tell(routes.createRoute({ route: route("bad", `./${canary("reference")}`) }, { headers }));
  const made = await keys.createKey({ name: "guest", scopes: [{ realm: Realm.INFERENCE }] }, { headers });
  for (const name of ["ours", "theirs"]) {
    const body = JSON.stringify({ model: name, messages: [{ role: "user", content: "hi" }] });
    const own = { "content-type": "application/json", authorization: `Bearer ${made.secret}` };
    const response = await fetch(`${url}/v1/chat/completions`, { method: "POST", headers: own, body });
    told.push(await response.text());
    await tell(routes.getRoute({ name }, { headers }));
    await tell(routes.explainRoute({ operation: "chat", request: JSON.parse(body) }, { headers }));
  }
  await tell(routes.listRoutes({}, { headers }));
  await tell(revisions.listRevisions({}, { headers }));
  await tell(revisions.diffRevisions({ from: 0n }, { headers }));
  await tell(keys.listKeys({}, { headers }));
  for await (const { event } of audit.exportAuditEvents({}, { headers })) told.push(event);
  expect(fake.exchanges.map((one) => one.headers.authorization)).toEqual([
    `Bearer ${canary("file")}`,
    `Bearer ${canary("changed")}`,
  ]);
  const page = await (await fetch(`${running.operators}/metrics`)).text();
  expect(page).toMatch(/^polygate_revision 3$/m);
  await running.close();
  // Other threads have logs of their own.
  if (workers === 1) expect(lines.length).toBeGreaterThan(5);
  for (const [what, text] of [
    ["answers", shown(told)],
    ["metrics", page],
    ["log", lines.join("")],
  ] as const) {
    expect(CANARY.exec(text)?.[0], what).toBeUndefined();
    expect(text.includes(made.secret), what).toBe(false);
  }
  // The config file has them, for it was given them.
  for (const file of (await readdir(running.folder)).filter((name) => name.startsWith("polygate.db"))) {
    const bytes = (await readFile(join(running.folder, file))).toString("latin1");
    expect([file, CANARY.exec(bytes)?.[0]]).toEqual([file, undefined]);
    expect([file, bytes.includes(made.secret)]).toEqual([file, false]);
  }
});
