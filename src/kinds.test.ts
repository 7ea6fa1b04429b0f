import { describe, expect, it } from "vitest";
import { load } from "./config/load.ts";
import type { JsonObject } from "./core/json.ts";
import { kinds } from "./kinds.ts";

const FILE = "routes: []\n";

/** What is wrong with a route that has these settings, in the file or by the API. */
async function problemsOf(provider: string, config: JsonObject, by: "file" | "api") {
  const model = { provider, name: "gemini-2.5-flash", config };
  const doc = { name: "a", route_type: "llm/v1/chat", model };
  const text = by === "file" ? `routes: [${JSON.stringify(doc)}]\n` : FILE;
  const stored = by === "api" ? [{ name: "a", doc, revision: 1 }] : [];
  const { problems } = await load({ file: "polygate.yaml", text }, { kinds, env: {}, stored });
  return problems.map(({ path, message }) => `${path}: ${message}`);
}

describe("a route of the API has no credential of the gateway's own", () => {
  const external = (source: JsonObject) =>
    JSON.stringify({
      type: "external_account",
      audience: "a",
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      token_url: "https://evil.example/token",
      credential_source: source,
    });
  it.each<[string, string, JsonObject, RegExp]>([
    ["Google's own order", "vertex_ai", {}, /vertex_credentials: want a service account's key/],
    [
      "a file of the machine",
      "vertex_ai",
      { vertex_credentials: external({ file: "/etc/hostname" }) },
      /vertex_credentials: want/,
    ],
    [
      "an address near it",
      "vertex_ai",
      { vertex_credentials: external({ url: "http://127.0.0.1/" }) },
      /vertex_credentials: want/,
    ],
    ["AWS's chain", "bedrock", { aws_config: { aws_region: "us-east-1" } }, /aws_config: has no credential/],
  ])("by %s", async (_, provider, config, problem) => {
    expect(
      await problemsOf(provider, { ...(provider === "vertex_ai" && { vertex_project: "p" }), ...config }, "api"),
    ).toEqual([expect.stringMatching(problem)]);
    expect(
      await problemsOf(provider, { ...(provider === "vertex_ai" && { vertex_project: "p" }), ...config }, "file"),
    ).toEqual([]);
  });
});

it("a route of the API starts no program by naming a model of the registry", async () => {
  const model = { provider: "mlflow-model-serving", name: "models:/iris@champion" };
  const doc = { name: "a", route_type: "mlflow/v1/predictions", model };
  const told = async (serve: string) => {
    const text = `mlflow: { tracking_uri: "http://127.0.0.1:5001"${serve} }\nroutes: []\n`;
    const stored = [{ name: "a", doc, revision: 1 }];
    return (await load({ file: "polygate.yaml", text }, { kinds, env: {}, stored })).problems.map(
      ({ message }) => message,
    );
  };
  expect(await told("")).toEqual([]);
  expect(await told(", serve: local")).toEqual([expect.stringMatching(/would start a program/)]);
});
