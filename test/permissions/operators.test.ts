/** The operators' port asks for keys as the main one does, and has nothing that calls a model. */
import { expect, it } from "vitest";
import { runAdmin } from "../admin/gateway.ts";

const ROOT = "root-0123456789-abcdefghijklmnopqrstuvwxyz";
const ANN = "ann-0123456789-abcdefghijklmnopqrstuvwxyz";
const LOCK = `auth: { keys: [{ name: root, key: ${ROOT}, scopes: [{ realm: admin }] }, { name: ann, key: ${ANN} }] }\n`;
const REST = "admin: { port: 0 }\nroutes: [{ name: chat, route_type: llm/v1/chat, model: { provider: simulator } }]\n";
const LIST = "/polygate.admin.v1.RouteAdminService/ListRoutes";
const CALL = "/v1/chat/completions";

async function post(url: string, path: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  const json = { "content-type": "application/json", ...headers };
  const reply = await fetch(url + path, { method: "POST", headers: json, body: "{}" });
  await reply.arrayBuffer();
  return reply.status;
}
const get = async (url: string, path: string) => (await fetch(url + path)).status;
const by = (key: string) => ({ authorization: `Bearer ${key}` });

it.each([1, 2])("with a lock, and %i workers", async (workers) => {
  await using running = await runAdmin(LOCK + REST, { workers });
  const operators = running.operators!;
  const asked = [
    await post(operators, LIST),
    await post(operators, LIST, by(ANN)),
    await post(operators, LIST, by(ROOT)),
  ];
  expect(asked).toEqual([401, 403, 200]);
  expect([await get(operators, "/metrics"), await get(operators, "/livez"), await get(operators, "/readyz")]).toEqual([
    200, 200, 200,
  ]);
  expect(await post(operators, CALL, by(ANN))).toBe(404);
});

it("without one, for who asks this machine by its own name", async () => {
  await using running = await runAdmin(REST);
  const operators = running.operators!;
  expect(await post(operators, LIST)).toBe(200);
  expect(await post(operators, CALL)).toBe(404);
});
