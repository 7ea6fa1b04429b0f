import { fromJson } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { DatabricksModelServingSettingsSchema } from "../../../gen/providers/databricks_model_serving/v1/settings_pb.js";
import { type Asking, sentBy } from "../../../test/support/sent.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Provider } from "../../core/provider.ts";
import { loadProvider, providerKindOf } from "../../registry.ts";
import { provider } from "./index.ts";

const WORKSPACE = "https://adb-1.2.azuredatabricks.net";
const SETTINGS = { databricks_workspace_url: WORKSPACE, databricks_api_token: "dapi-1" };
const MODEL = "databricks-claude-sonnet-4";
const send = (json: JsonObject, asking: Partial<Asking> = {}, settings: JsonObject = SETTINGS) =>
  sentBy(provider as Provider<never>, settings, { model: MODEL, json, ...asking });
const messages = [{ role: "user", content: "hello" }];

describe("a request to Databricks", () => {
  it.each([
    ["chat", { messages }],
    ["completions", { prompt: "hello" }],
    ["embeddings", { input: ["a"] }],
  ] as const)("goes to the endpoint that is the model, which the body does not name: %s", async (op, json) => {
    expect(await send(json as unknown as JsonObject, { op, model: "my model" })).toEqual({
      origin: WORKSPACE,
      path: "/serving-endpoints/my%20model/invocations",
      headers: ["content-type", "application/json", "accept-encoding", "identity", "authorization", "Bearer dapi-1"],
      json,
      adjusted: {},
    });
  });

  it("says what has no place there", async () => {
    const json = { messages, max_completion_tokens: 9, seed: 1, user: "ann", stream_options: { include_usage: true } };
    const { json: sent, adjusted } = await send({ ...json, thinking: { type: "enabled", budget_tokens: 1024 } });
    expect(sent).toEqual({ messages, max_tokens: 9, thinking: { type: "enabled", budget_tokens: 1024 } });
    expect(adjusted).toEqual({ dropped: ["user", "seed"] });
  });

  it("gives a model its own thoughts back, with their signatures, and no other's", async () => {
    const own = { type: "reasoning.summary", format: "databricks", model: MODEL, summary: "Hm.", signature: "s" };
    const assistant = {
      role: "assistant",
      content: "So.",
      reasoning: "Hm.",
      reasoning_details: [own, { ...own, model: "another" }],
    };
    const { json, adjusted } = await send({ messages: [...messages, assistant] });
    const summary = [{ type: "summary_text", text: "Hm.", signature: "s" }];
    expect(json["messages"]).toEqual([
      ...messages,
      {
        role: "assistant",
        content: [
          { type: "reasoning", summary },
          { type: "text", text: "So." },
        ],
      },
    ]);
    expect(adjusted).toEqual({ dropped: ["messages[1].reasoning_details"] });
  });

  it("keeps what is Anthropic's for a model of Anthropic's alone", async () => {
    const marked = [{ role: "user", content: [{ type: "text", text: "hi", cache_control: { type: "ephemeral" } }] }];
    const json = { messages: marked, thinking: { type: "enabled", budget_tokens: 1024 } };
    expect(await send(json, { by: "anthropic" })).toMatchObject({ json, adjusted: {} });
    const other = await send(json, { by: "anthropic", model: "databricks-llama" });
    expect(other.json).not.toHaveProperty("thinking");
    expect(other.adjusted).toMatchObject({ dropped: ["messages[0].content[0].cache_control"] });
  });

  it.each([
    ["a host without its scheme", { host: "adb-1.2.azuredatabricks.net", token: "t" }, WORKSPACE, "/serving-endpoints"],
    ["a host with it", { host: `${WORKSPACE}/`, token: "t" }, WORKSPACE, "/serving-endpoints"],
    ["a base of ours", { ...SETTINGS, base_url: "http://a:1/p/" }, "http://a:1", "/p/serving-endpoints"],
  ])("follows %s", async (_name, settings, origin, prefix) => {
    const sent = await send({ messages }, {}, settings);
    expect(sent).toMatchObject({ origin, path: `${prefix}/${MODEL}/invocations` });
  });
});

describe("Databricks' settings", () => {
  const check = (json: JsonObject) =>
    provider.check!(fromJson(DatabricksModelServingSettingsSchema, json as never), { name: MODEL, routeType: "" });

  it.each([
    [{}, ["databricks_workspace_url", "databricks_api_token"]],
    [{ databricks_workspace_url: "adb.net", databricks_api_token: "t" }, ["databricks_workspace_url"]],
    [{ host: "adb.net", token: "tö" }, ["token"]],
    [SETTINGS, []],
    [{ host: "adb.net", client_id: "a" }, ["client_secret"]],
    [{ host: "adb.net", client_id: "a", client_secret: "b" }, []],
    [{ host: "adb.net", token: "t" }, []],
  ])("%j: what is wrong is %j", (json, paths) => {
    expect(check(json).map(({ path }) => path)).toEqual(paths);
  });

  it("belong to the provider under all of its names", async () => {
    for (const name of ["databricks-model-serving", "DATABRICKS_MODEL_SERVING", "databricks"]) {
      expect(await loadProvider(providerKindOf(name)!)).toBe(provider);
    }
  });
});
