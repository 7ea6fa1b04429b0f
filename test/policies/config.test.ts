/** `auth` and `limit` as a file has them, read by the real kinds. */
import { describe, expect, it } from "vitest";
import { load } from "../../src/config/load.ts";
import { formatProblem } from "../../src/config/problems.ts";
import { kinds } from "../../src/kinds.ts";

const env = { ANN: "ann-0123456789-abcdef", SHORT: "short" };

async function told(text: string): Promise<string[]> {
  const { problems, warnings } = await load({ file: "f.yaml", text }, { kinds, env });
  return [...problems.map(formatProblem), ...warnings.map((one) => `${formatProblem(one)} (warning)`)];
}

const limited = (limit: string) =>
  told(`routes:\n- name: a\n  route_type: llm/v1/chat\n  model: {provider: simulator}\n  limit: ${limit}\n`);
const locked = (keys: string) =>
  told(`routes: [{name: a, route_type: llm/v1/chat, model: {provider: simulator}}]\nauth: {keys: ${keys}}\n`);

describe("limit", () => {
  it.each([
    "{calls: 1, renewal_period: minute}",
    "{renewal_period: Minutes, calls: 10}",
    "{calls: 0, renewal_period: second}",
    "{calls: 3, renewal_period: 5 minutes, key: user}",
    "{calls: 3, renewal_period: year, key: endpoint}",
    "{calls: 3, renewal_period: month, key: null}",
    "null",
    "",
  ])("takes %s, as MLflow does", async (limit) => {
    expect(await limited(limit)).toEqual([]);
  });

  it("takes any key, as MLflow does, and warns of one that means nothing here", async () => {
    expect(await limited("{calls: 1, renewal_period: minute, key: mine}")).toEqual([
      "f.yaml:5:50 routes[0].limit.key: not one of user, endpoint, address; read as user (warning)",
    ]);
  });

  it.each([
    [
      "{calls: -1, renewal_period: minute}",
      "5:18 routes[0].limit.calls: want a whole number from 0 to 4294967295, have -1",
    ],
    ["{renewal_period: minute}", "5:10 routes[0].limit.calls: missing; add it"],
    ["{calls: 1}", "5:10 routes[0].limit.renewal_period: missing; add it"],
    [
      "{calls: 1, renewal_period: fortnight}",
      "5:37 routes[0].limit.renewal_period: want second, minute, hour, day, month or year, or so many of them such as 5 minutes",
    ],
    [
      "{calls: 1, renewal_period: minute, renewl: 1}",
      "5:45 routes[0].limit.renewl: unknown key; want one of calls, renewal_period, key",
    ],
  ])("refuses %s", async (limit, problem) => {
    expect(await limited(limit)).toEqual([`f.yaml:${problem}`]);
  });

  it("refuses a text in its place", async () => {
    expect((await limited("10/minute"))[0]).toBe('f.yaml:5:10 routes[0].limit: want keys and values, have "10/minute"');
  });
});

describe("auth", () => {
  const hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

  it("takes no keys, where the store may have some", async () => {
    expect(await locked("[]")).toEqual([]);
  });

  it("takes keys from the environment and by their hash", async () => {
    expect(await locked(`[{name: ann, key: $ANN}, {name: bob.b@example, sha256: ${hash}}]`)).toEqual([]);
  });

  it.each([
    [
      "[{name: a, key: $ANN, scopes: [{realm: inference, operations: [chat, keys.read]}]}]",
      "2:83 auth.keys[0].scopes[0].operations[1]: not one of chat, completions, embeddings, predictions, *",
    ],
    [
      "[{name: a, key: $ANN, scopes: [{realm: all}]}]",
      '2:53 auth.keys[0].scopes[0].realm: want one of inference, admin, have "all"',
    ],
    ["[{name: a, key: $ANN, scopes: [{}]}]", "2:45 auth.keys[0].scopes[0].realm: missing; add one of inference, admin"],
    ["[{name: ann}]", "2:15 auth.keys[0]: want one of key, sha256; add it"],
    ["[{key: $ANN}]", "2:15 auth.keys[0].name: missing; add it"],
    ["[{name: a b, key: $ANN}]", '2:22 auth.keys[0].name: want letters, digits, _, -, . and @ only, have "a b"'],
    [
      `[{name: a, sha256: ${hash}0}]`,
      '2:33 auth.keys[0].sha256: want 64 hexadecimal digits, have "ba7816bf8f01cfea414140de5dae2223b00361a...',
    ],
    [
      "[{name: a, key: $ANN}, {name: b, key: $SHORT}]",
      "2:52 auth.keys[1].key: a key has at least 16 characters; make one with `openssl rand -base64 32`",
    ],
    [
      "[{name: a, key: $ANN}, {name: b, key: $ANN}]",
      "2:52 auth.keys[1].key: the same key as keys[0]; remove one of them",
    ],
    [
      `[{name: a, key: $ANN, sha256: ${hash}}]`,
      "2:44 auth.keys[0].sha256: cannot stand beside key; remove one of them",
    ],
  ])("refuses %s", async (keys, problem) => {
    expect(await locked(keys)).toEqual([`f.yaml:${problem}`]);
  });
});
