/** Routes made, removed and limited as MLflow's client asks its hosted gateway for it. */
import { describe, expect, it } from "vitest";
import { chat, runAdmin } from "./gateway.ts";

const FILE = `
log: { level: silent }
store: sqlite
routes:
  - { name: ours, route_type: llm/v1/chat, model: { provider: simulator, name: m, config: { reply: hi } } }
`;
const AGENT = { "user-agent": "mlflow-python-client/2.8.1", "content-type": "application/json" };

async function ask(url: string, method: string, path: string, json?: unknown) {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: AGENT,
    ...(json !== undefined && { body: JSON.stringify(json) }),
  });
  const text = await response.text();
  return [response.status, text.startsWith("{") ? (JSON.parse(text) as unknown) : text];
}

describe("where the config names a store", () => {
  it("a route is made in either form, called, and removed", async () => {
    await using running = await runAdmin(FILE);
    const { url } = running;
    const route = (name: string, model: object) => ({ name, route_type: "llm/v1/chat", model });
    const made = await ask(
      url,
      "POST",
      "/api/2.0/gateway/routes/",
      route("plain", { name: "m", provider: "simulator", config: { reply: "one" } }),
    );
    expect(made).toEqual([
      200,
      {
        name: "plain",
        route_type: "llm/v1/chat",
        model: { name: "m", provider: "simulator" },
        route_url: "/gateway/plain/invocations",
      },
    ]);
    expect(await chat(url, "plain")).toBe("one");
    const hosted = route("hosted", {
      name: "gpt-4o",
      provider: "openai",
      openai_config: { openai_api_key: "sk-canary-9" },
    });
    expect(await ask(url, "POST", "/api/2.0/gateway/routes/", hosted)).toMatchObject([
      200,
      { model: { provider: "openai" } },
    ]);
    const { route: shown } = await running.routes.getRoute({ name: "hosted" });
    expect(shown?.spec?.model?.config).toEqual({ openai_api_key: expect.stringMatching(/^\*{3}/) });
    expect(await ask(url, "POST", "/api/2.0/gateway/routes/", hosted)).toMatchObject([
      409,
      { detail: expect.any(String) },
    ]);
    expect(
      await ask(url, "POST", "/api/2.0/gateway/routes/", route("bad", { name: "m", provider: "openai" })),
    ).toMatchObject([422, { detail: expect.anything() }]);
    expect(await ask(url, "DELETE", "/api/2.0/gateway/routes/plain")).toEqual([200, {}]);
    expect(await chat(url, "plain")).toBe(404);
    expect(await ask(url, "DELETE", "/api/2.0/gateway/routes/plain")).toMatchObject([
      404,
      { detail: expect.any(String) },
    ]);
    expect(await ask(url, "DELETE", "/api/2.0/gateway/routes/ours")).toMatchObject([
      409,
      { detail: expect.stringContaining("config.yaml:5") },
    ]);
  });

  it("limits are set, told, held, and removed", async () => {
    await using running = await runAdmin(FILE);
    const { url } = running;
    const model = { name: "m", provider: "simulator", config: { reply: "one" } };
    await ask(url, "POST", "/api/2.0/gateway/routes/", { name: "new", route_type: "llm/v1/chat", model });
    const limits = [{ calls: 1, key: null, renewal_period: "day" }];
    expect(await ask(url, "GET", "/api/2.0/gateway/limits/new")).toEqual([200, { limits: [] }]);
    expect(await ask(url, "POST", "/api/2.0/gateway/limits/", { route: "new", limits })).toEqual([200, { limits }]);
    expect(await ask(url, "GET", "/api/2.0/gateway/limits/new")).toEqual([200, { limits }]);
    expect([await chat(url, "new"), await chat(url, "new")]).toEqual(["one", 429]);
    expect(await ask(url, "POST", "/api/2.0/gateway/limits/", { route: "new", limits: [] })).toEqual([
      200,
      { limits: [] },
    ]);
    expect(await chat(url, "new")).toBe("one");
    expect((await running.routes.getRoute({ name: "new" })).route?.model).toMatchObject({ name: "m" });
    expect(await ask(url, "POST", "/api/2.0/gateway/limits/", { route: "ours", limits })).toMatchObject([409, {}]);
    expect(await ask(url, "GET", "/api/2.0/gateway/limits/nope")).toMatchObject([404, {}]);
  });
});

it("is refused as MLflow's own gateway does where the config names none", async () => {
  await using running = await runAdmin(FILE.replace("store: sqlite", ""));
  const { url } = running;
  expect(await ask(url, "POST", "/api/2.0/gateway/routes/", {})).toEqual([405, { detail: "Method Not Allowed" }]);
  expect(await ask(url, "GET", "/api/2.0/gateway/limits/ours")).toEqual([
    501,
    { detail: "The get_limits API is not available in OSS MLflow AI Gateway." },
  ]);
});
