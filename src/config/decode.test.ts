import { type DescMessage, type JsonValue, toJson } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ConfigSchema, RouteSchema } from "../../gen/polygate/config/v1/config_pb.js";
import { describeMessage, type FieldInit } from "../../test/support/descriptor.ts";
import { decode } from "./decode.ts";
import { Origins } from "./origins.ts";
import { formatProblem, Report } from "./problems.ts";
import { parseYaml } from "./yaml.ts";

function read(desc: DescMessage, yaml: string): { json: JsonValue; problems: string[] } {
  const report = new Report("f.yaml");
  const tree = parseYaml(yaml, report)!;
  const message = decode(desc, tree, "", report, new Origins());
  return {
    json: toJson(desc, message),
    problems: report.problems.toSorted((a, b) => a.line - b.line || a.column - b.column).map(formatProblem),
  };
}

/** One field `f`, given this value. */
function value(
  init: FieldInit,
  yaml: string,
  name = "f",
): { json: JsonValue | undefined; problem: string | undefined } {
  const { json, problems } = read(describeMessage({ [name]: init }), `${name}: ${yaml}\n`);
  expect(problems.length).toBeLessThan(2);
  return { json: (json as Record<string, JsonValue>)[name], problem: problems[0] };
}

const inF = (what: string, column = 4) => `f.yaml:1:${column} f: ${what}`;

describe("decode reads", () => {
  it.each<[FieldInit, string, JsonValue]>([
    [{}, "text", "text"],
    [{}, '"12"', "12"],
    [{ type: "BOOL" }, "true", true],
    [{ type: "INT32" }, "-2147483648", -2147483648],
    [{ type: "UINT32" }, "4294967295", 4294967295],
    [{ type: "UINT32" }, "0x10", 16],
    [{ type: "INT64" }, "-9223372036854775808", "-9223372036854775808"],
    [{ type: "UINT64" }, "18446744073709551615", "18446744073709551615"],
    [{ type: "DOUBLE" }, "0.25", 0.25],
    [{ type: "DOUBLE" }, "3", 3],
    [{ type: "BYTES" }, "aGk=", "aGk="],
    [
      { of: "google.protobuf.Struct" },
      "{a: [1, {b: null}], constructor: x}",
      { a: [1, { b: null }], constructor: "x" },
    ],
    [{ of: "google.protobuf.Value" }, "[1, two]", [1, "two"]],
    [{ repeated: true }, "[a, b]", ["a", "b"]],
    [{ repeated: true, type: "UINT32" }, "[1, 2]", [1, 2]],
    [{ map: true }, "{a: x, 'b c': y}", { a: "x", "b c": "y" }],
  ])("%j: %s", (init, yaml, json) => {
    expect(value(init, yaml)).toEqual({ json, problem: undefined });
  });

  it.each([
    ["500ms", "0.500s"],
    ["30s", "30s"],
    ["5m", "300s"],
    ["1.5h", "5400s"],
    ["0.1", "0.100s"],
    ["90", "90s"],
    ["0", "0s"],
  ])("the duration %s as %s", (yaml, json) => {
    expect(value({ of: "google.protobuf.Duration" }, yaml)).toEqual({ json, problem: undefined });
  });

  it.each([
    ["32MiB", 33554432],
    ["1.5 KiB", 1536],
    ["2kb", 2000],
    ["64B", 64],
    ["1048576", 1048576],
  ])("the size %s as %d bytes", (yaml, json) => {
    expect(value({ type: "UINT32" }, yaml, "max_bytes")).toEqual({ json: undefined, problem: undefined });
    const { json: all } = read(describeMessage({ max_bytes: { type: "UINT32" } }), `max_bytes: ${yaml}`);
    expect(all).toEqual({ maxBytes: json });
  });

  it("a key with nothing behind it as absent", () => {
    expect(value({ optional: true }, "")).toEqual({ json: undefined, problem: undefined });
    expect(read(ConfigSchema, "")).toEqual({ json: {}, problems: [] });
  });

  it("an enum in any case, and lists of messages", () => {
    const yaml = "log: {level: WARN}\nroutes:\n- name: a\n  route_type: llm/v1/chat\n";
    expect(read(ConfigSchema, yaml)).toEqual({
      json: { log: { level: "LOG_LEVEL_WARN" }, routes: [{ name: "a", routeType: "llm/v1/chat" }] },
      problems: [],
    });
  });

  it("MLflow's names for ours", () => {
    for (const [list, type] of [
      ["routes", "route_type"],
      ["routes", "type"],
      ["endpoints", "endpoint_type"],
    ]) {
      const { json, problems } = read(ConfigSchema, `${list}: [{name: a, ${type}: llm/v1/chat}]`);
      expect({ json, problems }).toEqual({ json: { routes: [{ name: "a", routeType: "llm/v1/chat" }] }, problems: [] });
    }
  });
});

describe("decode refuses", () => {
  it.each<[FieldInit, string, string]>([
    [{}, "12", "want text, have 12; put it in quotes"],
    [{}, "true", "want text, have true; put it in quotes"],
    [{}, "[a]", "want text, have a list"],
    [{}, "{a: b}", "want text, have a table"],
    [{ type: "BOOL" }, "yes", 'want true or false, have "yes"'],
    [{ type: "INT32" }, "1.5", "want a whole number from -2147483648 to 2147483647, have 1.5"],
    [{ type: "INT32" }, "2147483648", "want a whole number from -2147483648 to 2147483647, have 2147483648"],
    [{ type: "UINT32" }, "-1", "want a whole number from 0 to 4294967295, have -1"],
    [{ type: "UINT32" }, "'5'", 'want a whole number from 0 to 4294967295, have "5"'],
    [
      { type: "UINT64" },
      "18446744073709551616",
      "want a whole number from 0 to 18446744073709551615, have 18446744073709551616",
    ],
    [{ type: "INT64" }, "1e300", "want a whole number from -9223372036854775808 to 9223372036854775807, have 1e+300"],
    [{ type: "DOUBLE" }, ".inf", "want a number, have Infinity"],
    [{ type: "BYTES" }, "'*'", 'want base64, have "*"'],
    [{ of: "google.protobuf.Duration" }, "30 seconds", 'want a duration such as 500ms, 30s, 5m, have "30 seconds"'],
    [{ of: "google.protobuf.Duration" }, "-1", "want a duration such as 500ms, 30s, 5m, have -1"],
    [{ of: "google.protobuf.Duration" }, "-1s", 'want a duration such as 500ms, 30s, 5m, have "-1s"'],
    [{ of: "google.protobuf.Duration" }, "1e300", "want a duration such as 500ms, 30s, 5m, have 1e+300"],
    [{ of: "google.protobuf.Struct" }, "[1]", "want keys and values, have a list"],
    [{ repeated: true }, "a", 'want a list, have "a"; write each entry behind a dash'],
    [{ map: true }, "[a]", "want keys and values, have a list"],
  ])("%j: %s", (init, yaml, problem) => {
    expect(value(init, yaml)).toEqual({ json: undefined, problem: inF(problem) });
  });

  it("a value that is cut at 40 characters, and a secret's not at all", () => {
    const long = `'${"x".repeat(100)}'`;
    expect(value({ type: "BOOL" }, long).problem).toBe(inF(`want true or false, have "${"x".repeat(39)}...`));
    expect(value({ secret: true }, "12345678").problem).toBe(inF("want text, have a number; put it in quotes"));
    expect(
      value({ secret: true, rules: { type: { case: "string", value: { maxLen: 3n } } } }, "sk-canary").problem,
    ).toBeUndefined();
  });

  it("entries of lists and maps at their own place", () => {
    const desc = describeMessage({ list: { repeated: true }, map: { map: true } });
    expect(read(desc, "list:\n  - a\n  - 1\n  -\nmap:\n  k: v\n  n: 2\n")).toEqual({
      json: { list: ["a"], map: { k: "v" } },
      problems: [
        "f.yaml:3:5 list[1]: want text, have 1; put it in quotes",
        "f.yaml:4:4 list[2]: want text, have nothing",
        "f.yaml:7:6 map.n: want text, have 2; put it in quotes",
      ],
    });
  });

  it("unknown keys, with what was probably meant", () => {
    const yaml = "drainTimeout: 5s\nlimit:\n  total-timeout: 1s\nxyz: 1\n'a b': 2\nlisten:\n  prot: 80\n";
    expect(read(ConfigSchema, yaml).problems).toEqual([
      "f.yaml:1:1 drainTimeout: unknown key; did you mean drain_timeout?",
      "f.yaml:2:1 limit: unknown key; did you mean limits?",
      "f.yaml:7:3 listen.prot: unknown key; did you mean port?",
    ]);
  });

  it("unknown keys that ask for something, but not what MLflow leaves alone, too", () => {
    const yaml = "xyz: 1\n'a b': 2\nauthentication: {}\nroutes:\n- name: a\n  extra: 1\n  safety_filters: []\n";
    const report = new Report("f.yaml");
    decode(ConfigSchema, parseYaml(yaml, report)!, "", report, new Origins());
    const keys = ConfigSchema.fields.map(({ name }) => name).join(", ");
    const ofRoutes = RouteSchema.fields.map(({ name }) => name).join(", ");
    expect(report.warnings.map(formatProblem)).toEqual([
      `f.yaml:1:1 xyz: unknown key, which is ignored; want one of ${keys}`,
      `f.yaml:2:1 "a b": unknown key, which is ignored; want one of ${keys}`,
      `f.yaml:6:3 routes[0].extra: unknown key, which is ignored; want one of ${ofRoutes}`,
    ]);
    const refused = report.problems.filter(({ message }) => message.startsWith("unknown key"));
    expect(refused.map(({ path }) => path)).toEqual(["authentication", "routes[0].safety_filters"]);
  });

  it("one field under two names", () => {
    const yaml = "routes:\n- name: a\n  route_type: llm/v1/chat\n  type: llm/v1/chat\n";
    expect(read(ConfigSchema, yaml).problems).toEqual([
      "f.yaml:4:3 routes[0].type: the same as routes[0].route_type on line 3; remove one of them",
    ]);
  });

  it("a key that says otherwise than what holds, and not one that says it", () => {
    const route = (strategy: string) => `routes: [{name: a, route_type: llm/v1/chat, routing_strategy: ${strategy}}]`;
    expect(read(ConfigSchema, route("TRAFFIC_SPLIT"))).toMatchObject({ problems: [] });
    expect(read(ConfigSchema, route("STICKY")).problems).toEqual([
      expect.stringContaining("routes[0].routing_strategy: unknown key"),
    ]);
  });

  it("an enum's and a list's unknown choice, with what was probably meant", () => {
    const yaml = "log: {level: infos}\nroutes: [{name: a, type: llm/v1/chats}]\n";
    expect(read(ConfigSchema, yaml).problems).toEqual([
      'f.yaml:1:14 log.level: want one of trace, debug, info, warn, error, silent, have "infos"; did you mean info?',
      "f.yaml:2:26 routes[0].type: want one of llm/v1/chat, llm/v1/completions, llm/v1/embeddings, mlflow/v1/predictions, " +
        'have "llm/v1/chats"; did you mean llm/v1/chat?',
    ]);
    expect(read(ConfigSchema, "log: {level: unspecified}").problems).toHaveLength(1);
  });

  it("broken rules, each where the value stands", () => {
    const yaml = [
      "listen:",
      "  port: 65536",
      "  cors:",
      "    allowed_origins: [https://ok.example, https://no.example/path]",
      "limits:",
      "  chunk_timeout: 0",
      "  total_timeout: 25h",
      "routes:",
      "  - name: a b",
      "    type: llm/v1/chat",
    ];
    expect(read(ConfigSchema, yaml.join("\n")).problems).toEqual([
      "f.yaml:2:9 listen.port: want at most 65535, have 65536",
      "f.yaml:4:43 listen.cors.allowed_origins[1]: want an origin such as https://app.example.com, without a path, or *, " +
        'have "https://no.example/path"',
      "f.yaml:6:18 limits.chunk_timeout: want more than 0s, have 0",
      'f.yaml:7:18 limits.total_timeout: want at most 24h, have "25h"',
      'f.yaml:9:11 routes[0].name: want letters, digits, _, - and . only, have "a b"',
    ]);
  });

  it("what is missing or empty, at the table that should have it", () => {
    const yaml =
      "listen:\n  tls:\n    cert_file: ''\n  cors: {}\nroutes:\n  - model: {}\n    targets: [{}]\n    name:\n";
    expect(read(ConfigSchema, yaml).problems).toEqual([
      "f.yaml:3:5 listen.tls.key_file: missing; add it",
      "f.yaml:3:16 listen.tls.cert_file: empty; give it a value",
      "f.yaml:4:9 listen.cors.allowed_origins: missing; add it",
      "f.yaml:6:5 routes[0].route_type: missing; add one of llm/v1/chat, llm/v1/completions, llm/v1/embeddings, mlflow/v1/predictions",
      "f.yaml:6:12 routes[0].model.provider: missing; add it",
      "f.yaml:7:15 routes[0].targets[0].model: missing; add it",
      "f.yaml:8:5 routes[0].name: missing; add it",
    ]);
  });

  it("a file that is no table", () => {
    expect(read(ConfigSchema, "- a\n").problems).toEqual(["f.yaml:1:1: want keys and values, have a list"]);
    expect(read(ConfigSchema, "hello\n").problems).toEqual(['f.yaml:1:1: want keys and values, have "hello"']);
  });

  it("at most 1,000 problems, in less than half a second", () => {
    const report = new Report("f.yaml");
    // The parser's own time is what its limits allow, and no matter of this.
    const tree = parseYaml(Array.from({ length: 25_000 }, (_, i) => `cache${i}: 1`).join("\n"), report)!;
    const begun = process.cpuUsage();
    decode(ConfigSchema, tree, "", report, new Origins());
    expect(report.problems).toHaveLength(1000);
    expect(process.cpuUsage(begun).user / 1000).toBeLessThan(500);
  });
});
