import { type Message, toJson } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { RouteSchema } from "../../gen/polygate/config/v1/config_pb.js";
import { describeMessage } from "../../test/support/descriptor.ts";
import type { JsonObject } from "../core/json.ts";
import type { StoredRoute } from "../core/stored.ts";
import { type Kinds, type Loaded, load } from "./load.ts";
import { formatProblem } from "./problems.ts";

const SETTINGS = describeMessage({
  api_key: { secret: true, rules: { required: true } },
  base_url: {},
  delay: { of: "google.protobuf.Duration" },
});
const LIMIT = describeMessage({ calls: { type: "UINT32" }, salt: { secret: true } });

/** One provider, which may dial `here` for the file alone. */
const kinds: Kinds = {
  names: () => ["acme"],
  provider: async (kind) =>
    kind === "acme"
      ? {
          settings: SETTINGS,
          dials: (settings: Message & { baseUrl?: string }, _config, by) =>
            settings.baseUrl === "here" && by === "api" ? [{ path: "base_url", message: "is near; allow it" }] : [],
        }
      : undefined,
  policy: async () => ({ settings: LIMIT }),
};
const env = { KEY: "sk-from-the-environment" };

const FILE = `routes:
- name: ours
  route_type: llm/v1/chat
  model: {provider: acme, name: m, config: {api_key: $KEY, base_url: here, delay: 2s}}
  limits: {total_timeout: 5s}
`;

const doc = (name: string, config: JsonObject = { api_key: "sk-api" }): JsonObject => ({
  name,
  route_type: "llm/v1/chat",
  model: { provider: "acme", name: "m", config },
});
const stored = (name: string, config?: JsonObject): StoredRoute => ({ name, doc: doc(name, config), revision: 3 });
const loadWith = (routes: readonly StoredRoute[], text = FILE): Promise<Loaded> =>
  load({ file: "f.yaml", text }, { kinds, env, stored: routes });
const problemsWith = async (...routes: StoredRoute[]) => (await loadWith(routes)).problems.map(formatProblem);

describe("routes of the store", () => {
  it("are read with pauses for others, however many they are", async () => {
    const many = Array.from({ length: 2_000 }, (_, index) => stored(`r${index}`));
    let turns = 0;
    let reading = true;
    const turn = () => {
      turns++;
      if (reading) setImmediate(turn);
    };
    setImmediate(turn);
    const { problems, config } = await loadWith(many);
    reading = false;
    expect([problems.length, config.routes.length]).toEqual([0, 2_001]);
    expect(turns).toBeGreaterThan(5);
  });

  it("stand behind the file's, each with its owner, defaults and settings", async () => {
    const { config, models, owners, problems, secrets } = await loadWith([stored("theirs")]);
    expect(problems).toEqual([]);
    expect(config.routes.map(({ name }) => name)).toEqual(["ours", "theirs"]);
    expect(config.routes.map((route) => owners.get(route))).toEqual([
      { kind: "file", place: "f.yaml:2" },
      { kind: "api", revision: 3 },
    ]);
    const route = config.routes[1]!;
    expect(toJson(RouteSchema, route)).toMatchObject({ limits: { totalTimeout: "600s" } });
    expect(models.get(route.model!)).toMatchObject({ apiKey: "sk-api" });
    expect(secrets).toEqual(["sk-from-the-environment", "sk-api"]);
  });

  it("have problems with the path within the route, one route's never hiding another's", async () => {
    const bad = { name: "b", route_type: "llm/v1/chat", model: { provider: "acme", name: "m", config: { delay: 1 } } };
    expect(await problemsWith({ name: "b", doc: bad, revision: 1 }, stored("c", {}))).toEqual([
      "admin API: routes/b model.config.api_key: missing; add it",
      "admin API: routes/c model.config.api_key: missing; add it",
    ]);
  });

  it("cannot share a name with the file: it is told at the file's line", async () => {
    expect(await problemsWith(stored("ours"))).toEqual([
      "f.yaml:2:9 routes[0].name: is a route of the admin API; delete it there, or rename this one",
    ]);
  });

  it.each(["$KEY", `$${"{KEY}"}`, "file:/etc/key", "./key.txt", "secrets/openai.key", "/run/secrets/openai"])(
    "take no reference for a secret: %s",
    async (key) => {
      expect(await problemsWith(stored("a", { api_key: key }))).toEqual([
        "admin API: routes/a model.config.api_key: references are for config files; send the secret itself",
      ]);
    },
  );

  it("are not the operator's word on what may be dialed", async () => {
    expect(await problemsWith(stored("a", { api_key: "k", base_url: "here" }))).toEqual([
      "admin API: routes/a model.config.base_url: is near; allow it",
    ]);
  });

  it("are told of unknown keys, which a file only warns of", async () => {
    expect(await problemsWith(stored("a", { api_key: "k", zebra: 1 }))).toEqual([
      expect.stringMatching(/^admin API: routes\/a model\.config\.zebra: unknown key; want one of/),
    ]);
  });

  it("may name each other as destinations, and the file's routes", async () => {
    const both: StoredRoute = {
      name: "both",
      revision: 3,
      doc: {
        name: "both",
        route_type: "llm/v1/chat",
        lifecycle: "LIFECYCLE_DRAFT",
        destinations: [
          { name: "ours", traffic_percentage: 40 },
          { name: "theirs", traffic_percentage: 60 },
        ],
      },
    };
    expect(await problemsWith(stored("theirs"), both)).toEqual([]);
  });
});

describe("docOf", () => {
  it("is what was said, with secrets in the place of references and without defaults", async () => {
    const { config, docOf } = await loadWith([stored("theirs")]);
    expect(config.routes.map(docOf)).toEqual([
      {
        name: "ours",
        route_type: "llm/v1/chat",
        limits: { total_timeout: "5s" },
        model: {
          provider: "acme",
          name: "m",
          config: { api_key: "sk-from-the-environment", base_url: "here", delay: "2s" },
        },
      },
      doc("theirs"),
    ]);
  });

  it("of a file's route can be loaded as a route of the store", async () => {
    const { config, docOf } = await loadWith([], FILE.replace("base_url: here, ", ""));
    const again = docOf(config.routes[0]!);
    const {
      problems,
      config: second,
      docOf: docAgain,
    } = await load(
      { file: "g.yaml", text: "routes: []" },
      { kinds, env, stored: [{ name: "ours", doc: again, revision: 1 }] },
    );
    expect(problems).toEqual([]);
    expect(second.routes.map(docAgain)).toEqual([again]);
  });
});
