import { join } from "node:path";
import { type Message, toJson } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ConfigSchema } from "../../gen/polygate/config/v1/config_pb.js";
import { selfSigned } from "../../test/support/certificate.ts";
import { describeMessage } from "../../test/support/descriptor.ts";
import { folderOf } from "../../test/support/folder.ts";
import { type Kinds, type Loaded, load, type Source } from "./load.ts";
import { formatProblem, formatProblems } from "./problems.ts";

const SETTINGS = describeMessage(
  {
    api_key: { secret: true, rules: { required: true } },
    base_url: {},
    delay: { of: "google.protobuf.Duration" },
    deep: { of: "Deep" },
    many: { of: "Deep", repeated: true },
    tags: { repeated: true },
    labels: { map: true },
  },
  { Deep: { region: {} } },
);
const FREE = describeMessage({ reply: {} });

/** Two providers: `acme` needs a key, and a base for the model `azure`; `free` needs nothing. */
const kinds: Kinds = {
  names: () => ["acme", "free-one"],
  async provider(kind) {
    if (kind === "free-one") return { settings: FREE, defaultModel: "free" };
    if (kind !== "acme") return undefined;
    return {
      settings: SETTINGS,
      check(settings: Message & { baseUrl?: string }, { name, routeType }) {
        const missing = name === "azure" && !settings.baseUrl;
        return [
          ...(missing ? [{ path: "base_url", message: "is needed for azure; set it" }] : []),
          ...(routeType === "llm/v1/embeddings" ? [{ path: "", message: "has no embeddings; use another" }] : []),
          ...(/[.[]/.test(name) ? [{ path: name, message: "is unknown there; choose another" }] : []),
        ];
      },
      dials(settings: Message & { baseUrl?: string }, { egress }) {
        const far = settings.baseUrl?.startsWith("http://far") && !egress!.allow.includes("far");
        return far ? [{ path: "", message: "far is too far; allow it" }] : [];
      },
    };
  },
};

const env = { KEY: "sk-1" };
const loaded = (source: Source): Promise<Loaded> => load(source, { kinds, env });
const loadText = (text: string): Promise<Loaded> => loaded({ file: "f.yaml", text });

async function problemsOf(text: string): Promise<string[]> {
  const { problems } = await loadText(text);
  return problems.length === 0 ? [] : formatProblems(problems).split("\n");
}

const route = (name: string, model = "{provider: free-one}") =>
  `- {name: ${name}, route_type: llm/v1/chat, model: ${model}}\n`;

describe("load", () => {
  it("gives the config with its defaults, and each model's settings apart with its secret", async () => {
    const text = `
limits: {total_timeout: 10s}
routes:
- name: a
  route_type: llm/v1/chat
  model: {provider: Acme, name: m, config: {api_key: $KEY, delay: 2s}}
  limits: {chunk_timeout: 1s}
- name: b
  route_type: llm/v1/completions
  targets: [{model: {provider: FREE_ONE}}, {model: {provider: acme, config: {api_key: $KEY}}}]
`;
    const { config, models, problems, warnings, files } = await loadText(text);
    expect({ problems, warnings, files }).toEqual({ problems: [], warnings: [], files: [] });
    const limits = {
      connectTimeout: "5s",
      firstByteTimeout: "60s",
      chunkTimeout: "60s",
      totalTimeout: "10s",
      maxRequestBytes: 33554432,
      maxReplyBytes: 67108864,
    };
    expect(toJson(ConfigSchema, config)).toEqual({
      listen: {
        host: "127.0.0.1",
        port: 5000,
        maxConnections: 10000,
        headTimeout: "10s",
        requestTimeout: "120s",
        idleTimeout: "75s",
        stallTimeout: "60s",
        maxHeaderBytes: 16384,
        maxHeaders: 100,
        maxConcurrentStreams: 100,
        maxCalls: 4096,
        maxBufferedBytes: 536870912,
      },
      egress: { maxConnections: 4096 },
      limits,
      drainTimeout: "30s",
      log: { level: "LOG_LEVEL_INFO" },
      routes: [
        {
          name: "a",
          routeType: "llm/v1/chat",
          model: { provider: "acme", name: "m" },
          limits: { ...limits, chunkTimeout: "1s" },
        },
        {
          name: "b",
          routeType: "llm/v1/completions",
          targets: [{ model: { provider: "free-one", name: "free" } }, { model: { provider: "acme" } }],
          limits,
        },
      ],
    });
    const settings = new Map([...models].map(([model, message]) => [model, message.$typeName === "test.M" && message]));
    const [a, b] = config.routes;
    expect([
      settings.get(a!.model!),
      settings.get(b!.targets[0]!.model!),
      settings.get(b!.targets[1]!.model!),
    ]).toMatchObject([{ apiKey: "sk-1", delay: { seconds: 2n } }, { reply: "" }, { apiKey: "sk-1" }]);
  });

  it("leaves what is off while absent absent, and fills in what is on", async () => {
    const { config: off } = await loadText("routes: []");
    expect([off.admin, off.listen!.tls, off.listen!.cors]).toEqual([undefined, undefined, undefined]);
    const { config: on } = await loadText(
      "routes: []\nadmin: {port: 0}\nlisten: {port: 0, cors: {allowed_origins: ['*']}}",
    );
    expect(toJson(ConfigSchema, on)).toMatchObject({
      admin: { host: "127.0.0.1", port: 0 },
      listen: { host: "127.0.0.1", port: 0, cors: { allowedOrigins: ["*"], maxAge: "7200s" } },
    });
  });

  it("reports every problem of every layer at once", async () => {
    const text = `listen: {port: 99999}
routes:
- name: a
  route_type: llm/v1/chat
  model: {provider: acme, name: azure, config: {api_kye: x, delay: soon}}
- name: a
  route_type: llm/v1/embeddings
  model: {provider: Acme, config: {api_key: $NO}}
- name: c
  route_type: llm/v1/chat
  model: {provider: acm}
- name: d
  route_type: llm/v1/chat
`;
    expect(await problemsOf(text)).toEqual([
      "f.yaml:1:16 listen.port: want at most 65535, have 99999",
      "f.yaml:5:48 routes[0].model.config.base_url: is needed for azure; set it",
      "f.yaml:5:49 routes[0].model.config.api_kye: unknown key; did you mean api_key?",
      'f.yaml:5:68 routes[0].model.config.delay: want a duration such as 500ms, 30s, 5m, have "soon"',
      "f.yaml:6:9 routes[1].name: the route on line 3 has this name too; rename one of them",
      "f.yaml:8:35 routes[1].model.config: has no embeddings; use another",
      "f.yaml:8:45 routes[1].model.config.api_key: the environment variable NO is not set; set it",
      'f.yaml:11:21 routes[2].model.provider: no provider is called "acm"; did you mean acme?',
      "f.yaml:12:3 routes[3].model: missing; add it, or targets to try in order",
    ]);
  });

  it("places a problem of settings that are not there at the model", async () => {
    expect(
      await problemsOf(`routes:\n${route("a", "{provider: acme}")}${route("b", "{provider: acme, config: }")}`),
    ).toEqual([
      "f.yaml:2:45 routes[0].model.config.api_key: missing; add it",
      "f.yaml:3:62 routes[1].model.config.api_key: missing; add it",
    ]);
  });

  it("does not repeat in a provider's check what the decoder said of the same key", async () => {
    const config = "{api_key: $KEY, base_url: 5}";
    expect(await problemsOf(`routes:\n${route("a", `{provider: acme, name: azure, config: ${config}}`)}`)).toEqual([
      "f.yaml:2:109 routes[0].model.config.base_url: want text, have 5; put it in quotes",
    ]);
  });

  it("follows a provider's path into nested settings as far as the file goes", async () => {
    const model = (path: string, deep: string) => `{provider: acme, name: "${path}", config: {api_key: $KEY${deep}}}`;
    const routes = [
      route("a", model("deep.region", ", deep: {region: x}")),
      route("b", model("deep.region", "")),
      route("c", model("many[1].region", ", many: [{}, {region: x}]")),
      route("d", model("many[1].region", ", many: [{}, {}]")),
    ];
    const problem = (place: string, path: string) => `f.yaml:${place} ${path}: is unknown there; choose another`;
    expect(await problemsOf(`routes:\n${routes.join("")}`)).toEqual([
      problem("2:122", "routes[0].model.config.deep.region"),
      problem("3:91", "routes[1].model.config.deep.region"),
      problem("4:130", "routes[2].model.config.many[1].region"),
      problem("5:121", "routes[3].model.config.many[1].region"),
    ]);
  });

  it("places a provider's problem with an entry at the entry", async () => {
    const model = (path: string, more: string) => `{provider: acme, name: "${path}", config: {api_key: $KEY, ${more}}}`;
    const routes = [
      route("a", model("many[1]", "many: [{}, {region: x}]")),
      route("b", model("tags[1]", "tags: [x, y]")),
      route("c", model("labels.b", "labels: {a: x, b: y}")),
      route("d", model("tags[3]", "tags: [x, y]")),
      route("e", model('labels[\\"x/y\\"]', 'labels: {a: x, "x/y": y}')),
    ];
    const problem = (place: string, path: string) => `f.yaml:${place} ${path}: is unknown there; choose another`;
    expect(await problemsOf(`routes:\n${routes.join("")}`)).toEqual([
      problem("2:114", "routes[0].model.config.many[1]"),
      problem("3:113", "routes[1].model.config.tags[1]"),
      problem("4:122", "routes[2].model.config.labels.b"),
      problem("5:109", "routes[3].model.config.tags[3]"),
      problem("6:133", 'routes[4].model.config.labels."x/y"'),
    ]);
  });

  it("tells one cause once", async () => {
    const told = async (text: string) => (await problemsOf(text)).map((line) => line.replace(/^f\.yaml:\S+ /, ""));
    expect(await told("route:\n")).toEqual(["route: unknown key; did you mean routes?"]);
    expect(await told("routes: 7\n")).toEqual(["routes: want a list, have 7; write each entry behind a dash"]);
    expect((await loadText("routes: 7\n")).warnings).toEqual([]);
    expect(await told("routes:\n- chat\n- {name: a, route_tipe: x, modle: {}}\n")).toEqual([
      'routes[0]: want keys and values, have "chat"',
      "routes[1].route_tipe: unknown key; did you mean route_type?",
      "routes[1].modle: unknown key; did you mean model?",
    ]);
    const model = "{provider: acme, name: azure, config: {api_key: $KEY, base_ulr: x}}";
    expect(await told(`routes:\n${route("a", model)}`)).toEqual([
      "routes[0].model.config.base_ulr: unknown key; did you mean base_url?",
    ]);
  });

  it("says which providers there are when none is near", async () => {
    expect(await problemsOf(`routes:\n${route("a", "{provider: zzz}")}`)).toEqual([
      'f.yaml:2:56 routes[0].model.provider: no provider is called "zzz"; want one of acme, free-one',
    ]);
  });

  it("refuses model beside targets, targets without an entry, and a route without either", async () => {
    const head = "route_type: llm/v1/chat";
    const text = `routes:
- {name: a, ${head}, model: {provider: free-one}, targets: [{model: {provider: free-one}}]}
- {name: b, ${head}, targets: []}
- {name: c, ${head}}
`;
    expect(await problemsOf(text)).toEqual([
      "f.yaml:2:76 routes[0].targets: cannot stand beside model; make the model the first of the targets",
      "f.yaml:3:47 routes[1].targets: empty; add a target, or give a model",
      "f.yaml:4:3 routes[2].model: missing; add it, or targets to try in order",
    ]);
  });

  it("refuses a file without routes, and warns of an empty list, which MLflow accepts", async () => {
    for (const text of ["", "listen: {}\n", "routes:\n"]) {
      expect(await problemsOf(text)).toEqual([
        "f.yaml:1:1 routes: missing; list at least one route, or write `routes: []` for none",
      ]);
    }
    const { problems, warnings } = await loadText("routes: []");
    expect({ problems, warnings: warnings.map(formatProblem) }).toEqual({
      problems: [],
      warnings: ["f.yaml:1:9 routes: no routes; every call is answered that there is none"],
    });
  });

  it("refuses two listeners on one port", async () => {
    const ports = (host: string, admin: string) => `routes: []\nlisten: {host: ${host}, port: 80}\nadmin: {${admin}}\n`;
    const problem = "the same port as listen's, 80; choose another";
    expect(await problemsOf(ports("127.0.0.1", "port: 80"))).toEqual([`f.yaml:3:15 admin.port: ${problem}`]);
    expect(await problemsOf(ports("0.0.0.0", "port: 80"))).toEqual([`f.yaml:3:15 admin.port: ${problem}`]);
    expect(await problemsOf(ports("10.0.0.1", "port: 80"))).toEqual([]);
    expect(await problemsOf(ports("127.0.0.1", "port: 81"))).toEqual([]);
    expect(await problemsOf("routes: []\nlisten: {port: 0}\nadmin: {port: 0}\n")).toEqual([]);
  });

  it("reads what MLflow's names allow, unicode letters among them, and refuses what they do not", async () => {
    for (const name of ["a.b", "a-b_c.1", "é", "A1", "'-'", "'.'", "日本"]) {
      expect(await problemsOf(`routes:\n${route(name)}`), name).toEqual([]);
    }
    for (const name of ["a b", "a/b", "a@b", "", "a\\n", "a:b", "a%20b"]) {
      expect(await problemsOf(`routes:\n${route(`"${name}"`)}`), name).toHaveLength(1);
    }
  });

  it("keeps inline secrets with a warning, and out of every message", async () => {
    const text = `routes:\n${route("a", "{provider: acme, config: {api_key: sk-canary, base_ulr: 1}}")}`;
    const { problems, warnings, config } = await loadText(text);
    expect(formatProblems([...problems, ...warnings])).not.toContain("sk-canary");
    expect(JSON.stringify(toJson(ConfigSchema, config))).not.toContain("sk-canary");
    expect(warnings).toHaveLength(1);
  });

  it("lists the file and its key files to watch, and its digest tells contents apart", async () => {
    const folder = folderOf({
      "f.yaml": `routes:\n${route("a", "{provider: acme, config: {api_key: ./key}}")}`,
      key: "sk-1\n",
    });
    const path = join(folder, "f.yaml");
    const { problems, files, digest } = await loaded(path);
    expect({ problems, files }).toEqual({ problems: [], files: [path, join(folder, "key")] });
    expect((await loaded(path)).digest).toBe(digest);
    const other = folderOf({ "f.yaml": "routes: []" });
    expect((await loaded(join(other, "f.yaml"))).digest).not.toBe(digest);
  });

  it("tells why a file cannot be read, by the name it was given", async () => {
    const folder = folderOf({ "large.yaml": Buffer.alloc(4 * 1024 * 1024 + 1) });
    const why = async (path: string) => (await loaded(path)).problems.map(formatProblem);
    expect(await why(`${folder}/no.yaml`)).toEqual([`${folder}/no.yaml: no such file; check the path`]);
    expect(await why(folder)).toEqual([`${folder}: not a file; give the path of one`]);
    expect(await why(`${folder}/large.yaml`)).toEqual([`${folder}/large.yaml: larger than 4 MiB; make it smaller`]);
  });

  it("reads 2,000 routes in less than a second", async () => {
    const text = `routes:\n${Array.from({ length: 2000 }, (_, i) => route(`r${i}`, "{provider: acme, config: {api_key: $KEY}}")).join("")}`;
    const begun = process.cpuUsage();
    const { problems, models } = await loadText(text);
    expect({ problems, models: models.size }).toEqual({ problems: [], models: 2000 });
    expect(process.cpuUsage(begun).user / 1000).toBeLessThan(1000);
  });
});

describe("load looks into the files of listen.tls", () => {
  const tls = (files: string) => `routes: []\nlisten:\n  tls: {${files}}\n`;

  it("makes their paths absolute, and watches them", async () => {
    const { cert, key } = selfSigned();
    const folder = folderOf({
      "f.yaml": tls("cert_file: c.pem, key_file: k.pem, client_ca_file: c.pem"),
      "c.pem": cert,
      "k.pem": key,
    });
    const { problems, config, files } = await loaded(join(folder, "f.yaml"));
    const [c, k] = [join(folder, "c.pem"), join(folder, "k.pem")];
    expect({ problems, files }).toEqual({ problems: [], files: [join(folder, "f.yaml"), c, k] });
    expect(config.listen!.tls).toMatchObject({ certFile: c, keyFile: k, clientCaFile: c });
  });

  it("reports what is missing, no PEM, or not of one pair", async () => {
    const { cert } = selfSigned();
    const { key } = selfSigned();
    const folder = folderOf({ "c.pem": cert, "k.pem": key });
    const problems = async (files: string) => {
      const found = await loaded({ file: join(folder, "f.yaml"), text: tls(files) });
      return found.problems.map(
        ({ line, column, path, message }) => `${line}:${column} ${path}: ${message.replace(folder, "")}`,
      );
    };
    expect(await problems("cert_file: no.pem, key_file: c.pem")).toEqual([
      "3:20 listen.tls.cert_file: /no.pem: no such file; check the path",
      "3:38 listen.tls.key_file: /c.pem: holds no private key without a passphrase in PEM; check which file it is",
    ]);
    expect(await problems("cert_file: k.pem, key_file: k.pem")).toEqual([
      "3:20 listen.tls.cert_file: /k.pem: holds no certificate in PEM; check which file it is",
    ]);
    expect(await problems("cert_file: c.pem, key_file: k.pem")).toEqual([
      "3:37 listen.tls.key_file: /k.pem: not the key of cert_file's certificate; give the one that belongs to it",
    ]);
  });
});

describe("egress", () => {
  it("takes addresses, blocks and names, and nothing else", async () => {
    const allow = '[10.1.2.3, 10.1.0.0/16, "fd12::/48", llm.example.com, "0x7f.1", "http://a.example", 10.1.0.0/33]';
    const want = "want an address, a block such as 10.1.0.0/16, or a name such as llm.example.com";
    expect(await problemsOf(`routes:\n${route("a")}egress: {allow: ${allow}}\n`)).toEqual([
      `f.yaml:3:71 egress.allow[4]: ${want}, have "0x7f.1"`,
      `f.yaml:3:81 egress.allow[5]: ${want}, have "http://a.example"`,
      `f.yaml:3:101 egress.allow[6]: ${want}, have "10.1.0.0/33"`,
    ]);
  });

  it("is asked about what a model's settings would dial, and the problem stands where they do", async () => {
    const far = `routes:\n${route("a", "{provider: acme, config: {api_key: $KEY, base_url: 'http://far'}}")}`;
    expect(await problemsOf(far)).toEqual(["f.yaml:2:70 routes[0].model.config: far is too far; allow it"]);
    expect(await problemsOf(`${far}egress: {allow: [far]}\n`)).toEqual([]);
  });
});
