import type { Message } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { describeMessage } from "../../test/support/descriptor.ts";
import { type Kinds, load } from "./load.ts";
import { formatProblem } from "./problems.ts";

const FREE = describeMessage({});
const LOCK = describeMessage({ secret: { secret: true, rules: { required: true } }, note: {} });
const BOUND = describeMessage({ calls: { type: "UINT32" } });

/** Both kinds that the file can name, each with a rule of its own. */
const kinds: Kinds = {
  names: () => ["free"],
  provider: async () => ({ settings: FREE }),
  async policy(kind) {
    if (kind === "auth") {
      const check = ({ note, secret }: Message & { note?: string; secret?: string }) => [
        ...(note === "odd" ? [{ path: "note", message: "odd; used all the same", warning: true }] : []),
        ...(secret === "bad" ? [{ path: "secret", message: "is bad; make another" }] : []),
      ];
      return { settings: LOCK, check };
    }
    return { settings: BOUND };
  },
};

const route = (name: string, more = "") =>
  `- {name: ${name}, route_type: llm/v1/chat, model: {provider: free}${more}}\n`;
const read = (text: string) => load({ file: "f.yaml", text }, { kinds, env: { LOCK: "open-sesame", BAD: "bad" } });
const told = async (text: string) => {
  const { problems, warnings } = await read(text);
  return { problems: problems.map(formatProblem), warnings: warnings.map(formatProblem) };
};

it("reads the policies by their own kinds, with their secrets, and keeps them out of the config", async () => {
  const { config, policies, problems } = await read(
    `auth: {secret: $LOCK}\nroutes:\n${route("a", ", limit: {calls: 2}")}${route("b")}`,
  );
  expect(problems).toEqual([]);
  expect(policies.get(config)).toMatchObject([{ kind: "auth", settings: { secret: "open-sesame" } }]);
  expect(policies.get(config.routes[0]!)).toMatchObject([{ kind: "rate_limit", settings: { calls: 2 } }]);
  expect(policies.get(config.routes[1]!)).toBeUndefined();
  expect([config.auth, config.routes[0]!.limit]).toEqual([undefined, undefined]);
});

it("tells what is wrong with a policy at its place in the file", async () => {
  expect(
    await told(`auth:\n  secret: $BAD\n  note: odd\n  nota: 1\nroutes:\n${route("a", ", limit: {calls: many}")}`),
  ).toEqual({
    problems: [
      "f.yaml:2:11 auth.secret: is bad; make another",
      "f.yaml:4:3 auth.nota: unknown key; did you mean note?",
      'f.yaml:6:78 routes[0].limit.calls: want a whole number from 0 to 4294967295, have "many"',
    ],
    warnings: ["f.yaml:3:9 auth.note: odd; used all the same"],
  });
});

it("says nothing more of a secret that is not there, and never takes its reference for it", async () => {
  expect((await told(`auth: {secret: $NONE}\nroutes:\n${route("a")}`)).problems).toEqual([
    "f.yaml:1:16 auth.secret: the environment variable NONE is not set; set it",
  ]);
});

it("refuses a lock with nothing behind it, which would stand open, and not a limit", async () => {
  expect((await told(`auth:\nroutes:\n${route("a", ", limit: ")}`)).problems).toEqual([
    "f.yaml:1:1 auth: nothing behind it; list keys, or write `auth: none` so that everybody may call",
  ]);
  expect((await told(`auth: {}\nroutes:\n${route("a")}`)).problems).toEqual([
    "f.yaml:1:7 auth.secret: missing; add it",
  ]);
  expect((await told(`auth: []\nroutes:\n${route("a")}`)).problems).toEqual([
    "f.yaml:1:7 auth: want keys and values, have a list",
  ]);
});
