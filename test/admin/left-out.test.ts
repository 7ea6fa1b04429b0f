/** A gateway whose store has a route that its config no longer allows. */
import { expect, it } from "vitest";
import { chat, runAdmin, simulated } from "./gateway.ts";

const FILE = `
log: { level: silent }
routes:
  - name: ours
    route_type: llm/v1/chat
    model: { provider: simulator, name: m, config: { reply: from the file } }
`;
const ALLOWING = `egress: { allow: [127.0.0.1] }${FILE}`;
const LOCAL = {
  name: "local",
  routeType: "llm/v1/chat",
  model: {
    provider: "openai",
    name: "m",
    config: { openai_api_key: "sk-1", openai_api_base: "http://127.0.0.1:9/v1" },
  },
};

it.each([1, 2])("starts without it, says so, and lets it be mended, with %i workers", async (workers) => {
  const before = await runAdmin(ALLOWING, { workers });
  await before.routes.createRoute({ route: LOCAL });
  await before.routes.createRoute({ route: simulated("other", "one") });
  expect(await chat(before.url, "local")).toBe(503);
  await before.close();

  await using running = await runAdmin(FILE, { workers, folder: before.folder });
  const { url, routes } = running;
  const asked = () => Promise.all(["ours", "other", "local"].map((name) => chat(url, name)));
  expect(await asked()).toEqual(["from the file", "one", 404]);
  if (workers === 1) {
    const readiness = (await (await fetch(`${url}/readyz`)).json()) as object;
    expect(readiness).toEqual({ status: "degraded", degraded: ["route local of the store"] });
  }
  await routes.updateRoute({ route: simulated("other", "two") });
  expect(await asked()).toEqual(["from the file", "two", 404]);
  const paths = ["model"];
  await expect(routes.updateRoute({ route: { name: "local", owner: "me" } })).rejects.toThrow(/openai_api_base/);
  await routes.updateRoute({ route: simulated("local", "mended"), updateMask: { paths } });
  expect(await asked()).toEqual(["from the file", "two", "mended"]);
  if (workers === 1) expect((await (await fetch(`${url}/readyz`)).json()) as object).toEqual({ status: "ready" });
});
