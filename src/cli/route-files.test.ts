import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CommandFailed, type Io } from "./io.ts";
import { readRoutes } from "./route-files.ts";

const folder = mkdtempSync(join(tmpdir(), "polygate-routes-"));
const SECRETS = new Map([["openai", new Set(["openai_api_key"])]]);
const io: Io = { out() {}, say() {}, env: { KEY: "sk-from-env" }, signal: new AbortController().signal };
const read = (text: string) => {
  const file = join(folder, "routes.yaml");
  writeFileSync(file, text);
  return readRoutes(file, SECRETS, io);
};
const chat = (key: string) =>
  `name: chat\nroute_type: llm/v1/chat\nmodel: {provider: OpenAI, name: m, config: {openai_api_key: ${key}, openai_api_base: $KEY}}`;
const indented = (text: string) => text.replaceAll("\n", "\n    ");

describe("the routes of a file", () => {
  it.each([
    ["a config file's", (key: string) => `listen: {port: 1}\nroutes:\n  - ${indented(chat(key))}`],
    ["MLflow's endpoints", (key: string) => `endpoints:\n  - ${indented(chat(key))}`],
    ["a list of routes", (key: string) => `- ${chat(key).replaceAll("\n", "\n  ")}`],
    ["one route", chat],
  ])("are read from %s", async (_, text) => {
    const [route, ...others] = await read(text("plain"));
    expect([route?.name, route?.routeType, route?.model?.name, others]).toEqual(["chat", "llm/v1/chat", "m", []]);
  });

  it("have secrets from the environment and from files, and only where the provider has a secret", async () => {
    writeFileSync(join(folder, "key"), "sk-from-file\n");
    const config = async (key: string) => (await read(chat(key)))[0]?.model?.config;
    expect(await config("$KEY")).toEqual({ openai_api_key: "sk-from-env", openai_api_base: "$KEY" });
    expect(await config('"file:key"')).toMatchObject({ openai_api_key: "sk-from-file" });
    expect(await config("sk-itself")).toMatchObject({ openai_api_key: "sk-itself" });
  });

  it.each([
    [chat("$NO_SUCH"), /openai_api_key: the environment variable NO_SUCH is not set/],
    [chat('"file:none"'), /openai_api_key: none?.*cannot be read \(ENOENT\)/],
    ["name: chat\nroute_typ: llm/v1/chat", /routes\.yaml:2:1 route_typ: unknown key; did you mean route_type/],
    ["just words", /want `routes:` with a list, a list of routes, or one route/],
    ["routes: [", /routes\.yaml:1/],
  ])("are refused with the place: %s", async (text, words) => {
    const failed = await read(text).catch((thrown: unknown) => thrown);
    expect(failed).toBeInstanceOf(CommandFailed);
    expect(failed).toMatchObject({ exit: 2 });
    expect((failed as Error).message.replace("openai_api_key: cannot", "openai_api_key: none cannot")).toMatch(words);
  });
});
