import { create, fromJson, type JsonValue, type MessageInitShape } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import { describe, expect, it } from "vitest";
import { OpenAISettingsSchema } from "../../../gen/providers/openai/v1/settings_pb.js";
import { fakeClock } from "../../../test/support/clock.ts";
import { callOf, planOf } from "../../../test/support/plan.ts";
import { Body } from "../../core/body.ts";
import type { Operation } from "../../core/call.ts";
import { provider } from "./index.ts";

type Init = MessageInitShape<typeof OpenAISettingsSchema>;

const AZURE: Init = {
  openaiApiKey: "az-key",
  openaiApiType: "azure",
  openaiApiBase: "https://resource.openai.azure.com/",
  openaiApiVersion: "2024-10-21",
  openaiDeploymentName: "my dep",
};
const COMMON = ["content-type", "application/json", "accept-encoding", "identity"];

const open = (init: Init) =>
  provider.open(create(OpenAISettingsSchema, { openaiApiKey: "sk-1", ...init }), {
    clock: fakeClock(),
    wallNow: () => 0,
    random: () => 0,
  });

async function encode(init: Init, op: Operation = "chat", body = Body.ofJson({ model: "route" })) {
  const upstream = open(init);
  const outgoing = await upstream.encode(callOf(planOf([], { op }), false), body, "gpt-4o");
  return { origin: upstream.origin, ...outgoing, body: String(outgoing.body) };
}

describe("where a request to OpenAI goes", () => {
  it.each([
    ["chat", "/v1/chat/completions"],
    ["completions", "/v1/completions"],
    ["embeddings", "/v1/embeddings"],
  ] as const)("is OpenAI's own address: %s", async (op, path) => {
    expect(await encode({}, op)).toEqual({
      origin: "https://api.openai.com",
      path,
      headers: [...COMMON, "authorization", "Bearer sk-1"],
      body: '{"model":"gpt-4o"}',
    });
  });

  it.each([
    [
      "a base of MLflow's",
      { openaiApiBase: "http://127.0.0.1:9100/v1" },
      "http://127.0.0.1:9100",
      "/v1/chat/completions",
    ],
    ["a base of ours", { baseUrl: "https://host:8443/a/b/" }, "https://host:8443", "/a/b/chat/completions"],
    ["both, and ours wins", { baseUrl: "http://a/x", openaiApiBase: "http://b/y" }, "http://a", "/x/chat/completions"],
    ["a base without a path", { baseUrl: "http://[::1]:8080" }, "http://[::1]:8080", "/chat/completions"],
    [
      "a version",
      { openaiApiVersion: "2023-05-15" },
      "https://api.openai.com",
      "/v1/chat/completions?api-version=2023-05-15",
    ],
    [
      "a version to escape",
      { openaiApiVersion: "a&b" },
      "https://api.openai.com",
      "/v1/chat/completions?api-version=a%26b",
    ],
  ])("follows %s", async (_name, init, origin, path) => {
    expect(await encode(init)).toMatchObject({ origin, path });
  });

  it("names the organization", async () => {
    const { headers } = await encode({ openaiOrganization: "org-1" });
    expect(headers).toEqual([...COMMON, "authorization", "Bearer sk-1", "openai-organization", "org-1"]);
  });

  it.each([
    ["chat", "/openai/deployments/my%20dep/chat/completions?api-version=2024-10-21"],
    ["completions", "/openai/deployments/my%20dep/completions?api-version=2024-10-21"],
    ["embeddings", "/openai/deployments/my%20dep/embeddings?api-version=2024-10-21"],
  ] as const)("is the deployment with Azure: %s", async (op, path) => {
    expect(await encode(AZURE, op)).toMatchObject({
      origin: "https://resource.openai.azure.com",
      path,
      headers: [...COMMON, "api-key", "az-key"],
    });
    expect(await encode({ ...AZURE, openaiApiType: "azuread" }, op)).toMatchObject({
      path,
      headers: [...COMMON, "authorization", "Bearer az-key"],
    });
  });

  it("lets base_url replace Azure's address too", async () => {
    expect(await encode({ ...AZURE, baseUrl: "http://127.0.0.1:1/p" })).toMatchObject({
      origin: "http://127.0.0.1:1",
      path: "/p/openai/deployments/my%20dep/chat/completions?api-version=2024-10-21",
    });
  });
});

describe("a request to OpenAI", () => {
  it("keeps every byte but those of the model's name", async () => {
    const sent =
      '{ "messages":[{"role":"user","content":"\\u00e9é \\/"}],"model" : "route" ,"x_new":{"a":[1.0,1e2,12345678901234567890]},' +
      '"tools":[{"type":"function","function":{"name":"f","parameters":{"properties":{"p":{"properties":{"q":{"anyOf":[{}]}}}}}}}]}';
    const { body } = await encode({}, "chat", Body.ofBytes(Buffer.from(sent)));
    expect(body).toBe(sent.replace('"route"', '"gpt-4o"'));
  });

  it("gets a model when it has none", async () => {
    const { body } = await encode({}, "chat", Body.ofBytes(Buffer.from('{"messages":[]}')));
    expect(JSON.parse(body)).toEqual({ model: "gpt-4o", messages: [] });
  });
});

describe("OpenAI's settings", () => {
  const validator = createValidator();
  const invalid = (json: JsonValue) =>
    validator.validate(OpenAISettingsSchema, fromJson(OpenAISettingsSchema, json)).kind === "invalid";
  const problems = (init: Init) =>
    provider.check!(create(OpenAISettingsSchema, { openaiApiKey: "k", ...init }), {
      name: "m",
      routeType: "llm/v1/chat",
    });

  it("come with a name of the model, but for Azure, whose deployment is one", () => {
    const check = (init: Init) =>
      provider.check!(create(OpenAISettingsSchema, { openaiApiKey: "k", ...init }), {
        name: "",
        routeType: "llm/v1/chat",
      });
    expect(check({})).toEqual([
      {
        path: "",
        message: "the model has no name, without which OpenAI refuses a call; add name beside provider",
        warning: true,
      },
    ]);
    const azure = { openaiApiBase: "https://x.example", openaiDeploymentName: "d", openaiApiVersion: "2024-10-21" };
    expect(check({ openaiApiType: "azure", ...azure })).toEqual([]);
  });

  it("need a key and a type that is known, in any case", () => {
    expect(invalid({})).toBe(true);
    expect(problems({ openaiApiKey: "k", openaiApiType: "bedrock" })).toEqual([
      { path: "openai_api_type", message: "is not known; set openai, azure or azuread" },
    ]);
    for (const type of ["", "openai", "Azure", "AZUREAD"]) {
      expect(invalid({ openai_api_key: "k", openai_api_type: type })).toBe(false);
    }
  });

  it.each<[string, Init]>([
    ["nothing but a key", {}],
    ["a base and an organization", { openaiApiBase: "http://127.0.0.1:9100/v1", openaiOrganization: "org-1" }],
    ["Azure", AZURE],
    ["Azure's other credential", { ...AZURE, openaiApiType: "azuread" }],
    ["Azure behind base_url", { ...AZURE, openaiApiBase: "", baseUrl: "http://127.0.0.1:1" }],
  ])("may be %s", (_name, init) => {
    expect(problems(init)).toEqual([]);
  });

  it.each<[string, Init, string[]]>([
    [
      "Azure without its address",
      { openaiApiType: "azure" },
      ["openai_api_base", "openai_deployment_name", "openai_api_version"],
    ],
    ["an organization with Azure", { ...AZURE, openaiOrganization: "org-1" }, ["openai_organization"]],
    ["a deployment without Azure", { openaiDeploymentName: "d" }, ["openai_deployment_name"]],
    ["a base that is no address", { baseUrl: "api.openai.com/v1" }, ["base_url"]],
    ["a base of another scheme", { openaiApiBase: "ftp://host" }, ["openai_api_base"]],
    ["a base with a query", { baseUrl: "http://host/v1?a=b" }, ["base_url"]],
    ["a base with a fragment", { baseUrl: "http://host/v1#a" }, ["base_url"]],
    ["a base with a user", { baseUrl: "http://user:password@host/v1" }, ["base_url"]],
    ["a base with a password alone", { baseUrl: "http://:password@host/v1" }, ["base_url"]],
  ])("may not be %s", (_name, init, paths) => {
    const found = problems(init);
    expect(found.map(({ path }) => path)).toEqual(paths);
    for (const { message } of found) expect(message).toMatch(/^(is|must) .*[^.]$/);
  });
});

describe("OpenAI's usage", () => {
  it.each([
    [
      { prompt_tokens: 5, completion_tokens: 6, total_tokens: 11 },
      { promptTokens: 5, completionTokens: 6, totalTokens: 11 },
    ],
    [
      { prompt_tokens: 5, total_tokens: 5 },
      { promptTokens: 5, totalTokens: 5 },
    ],
    [
      {
        prompt_tokens: 5,
        completion_tokens: 0,
        prompt_tokens_details: { cached_tokens: 4 },
        completion_tokens_details: { reasoning_tokens: 3 },
      },
      { promptTokens: 5, completionTokens: 0, cachedTokens: 4, reasoningTokens: 3 },
    ],
    [{ prompt_tokens: -1, completion_tokens: "6", total_tokens: null, prompt_tokens_details: null }, {}],
    [null, undefined],
    [undefined, undefined],
  ])("of %j is %j", (usage, counts) => {
    expect(open({}).usage(usage === undefined ? {} : { usage })).toEqual(counts);
  });
});

describe("OpenAI's refusal", () => {
  const fault = (status: number, body: unknown, headers = {}) =>
    open({}).fault(status, headers, Buffer.from(typeof body === "string" ? body : JSON.stringify(body)));

  it.each([
    [400, "UPSTREAM_REJECTED", 400],
    [404, "UPSTREAM_REJECTED", 404],
    [413, "UPSTREAM_REJECTED", 413],
    [422, "UPSTREAM_REJECTED", 422],
    [401, "UPSTREAM_CREDENTIALS", 502],
    [403, "UPSTREAM_CREDENTIALS", 502],
    [429, "UPSTREAM_BUSY", 429],
    [408, "DEADLINE_PASSED", 504],
    [504, "DEADLINE_PASSED", 504],
    [500, "UPSTREAM_FAILED", 502],
    [402, "UPSTREAM_CREDENTIALS", 502],
    [529, "UPSTREAM_BUSY", 429],
    [302, "UPSTREAM_FAILED", 502],
  ])("with status %i is %s and reaches the caller as %i", (status, reason, http) => {
    expect(fault(status, {})).toMatchObject({ http, fault: { reason, upstreamStatus: status } });
  });

  it("keeps what was said about the caller's request", () => {
    const error = { message: "n is too large", type: "invalid_request_error", param: "n", code: "integer_above_max" };
    expect(fault(400, { error }, { "x-request-id": "req_1" })).toMatchObject({
      message: "n is too large",
      fault: { type: error.type, code: error.code, param: "n", upstreamRequestId: "req_1" },
    });
  });

  const QUOTED = {
    error: { message: "Key sk-proj-abc123 of org-abc123 failed, see https://internal/x.", code: "sk-proj-abc123" },
  };

  it.each([401, 403])("with status %i keeps its words for the log: they are about our key", (status) => {
    const error = fault(status, QUOTED);
    expect(error.message).not.toContain("failed, see");
    expect(JSON.stringify(error.fault)).not.toContain("sk-proj");
    expect(String(error.cause)).toContain("Key *** of *** failed, see https://internal/x.");
  });

  it.each([429, 500, 504])("with status %i keeps its words, without keys and addresses", (status) => {
    const error = fault(status, QUOTED);
    expect(error.message).toMatch(/ It says: Key \*\*\* of \*\*\* failed, see \(address\)$/);
    expect(JSON.stringify(error.fault)).not.toContain("sk-proj");
  });

  it.each([
    [{ "retry-after": "7" }, 7000],
    [{ "retry-after": "7", "retry-after-ms": "6500" }, 6500],
    [{ "retry-after": "soon" }, undefined],
    [{ "retry-after": ["3", "4"] }, 3000],
    [{ "retry-after": "-1" }, undefined],
    [{}, undefined],
  ])("with the headers %j says to come back in %s ms", (headers, retryAfterMs) => {
    expect(fault(429, {}, headers).fault.retryAfterMs).toBe(retryAfterMs);
  });

  it.each([
    ["a text", { error: "bad thing" }, "bad thing"],
    ["a message beside", { message: "bad thing", code: 400 }, "bad thing"],
    ["a detail", { detail: "bad thing" }, "bad thing"],
    ["a page", "<html>bad thing</html>", "The provider openai refused the request with status 400."],
    ["nothing", "", "The provider openai refused the request with status 400."],
    ["a list", [], "The provider openai refused the request with status 400."],
    ["an empty message", { error: { message: "" } }, "The provider openai refused the request with status 400."],
  ])("is read when its error is %s", (_name, body, message) => {
    expect(fault(400, body).message).toBe(message);
  });

  it.each([
    [{ code: 429 }, "UPSTREAM_BUSY", 429],
    [{ status: "400" }, "UPSTREAM_REJECTED", 400],
    [{ code: "server_error" }, "UPSTREAM_FAILED", 502],
    [{ code: 200 }, "UPSTREAM_FAILED", 502],
  ])("under status 200 is told by %j, and no other status is made up", (error, reason, http) => {
    expect(fault(200, { error })).toMatchObject({ http, fault: { reason, upstreamStatus: 200 } });
  });

  it("under status 200 says so", () => {
    expect(fault(200, { error: { code: "oops" } }).message).toBe(
      "The provider openai failed with an error under status 200.",
    );
    expect(fault(200, { error: { code: 400 } }).message).toBe(
      "The provider openai refused the request with an error under status 200.",
    );
  });
});
