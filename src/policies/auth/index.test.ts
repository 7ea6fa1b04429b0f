import { randomBytes } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { AuthSettingsSchema, type ScopeSchema } from "../../../gen/policies/auth/v1/settings_pb.js";
import { fakeClock } from "../../../test/support/clock.ts";
import { apiKeyHash, apiKeyId, apiKeyOf, KEY_BYTES } from "../../core/api-key.ts";
import type { HeaderMap } from "../../core/call.ts";
import { GatewayError } from "../../core/errors.ts";
import { grantOf } from "../../core/grants.ts";
import type { PolicyTools } from "../../core/policy.ts";
import type { Principal } from "../../core/principal.ts";
import type { RingKey } from "../../core/stored.ts";
import { Ring } from "../../keyring.ts";
import { policy } from "./index.ts";

const ANN = "ann-0123456789-abcdefXYZ";
const BOB = "bob-0123456789-abcdefXYZ";

type KeyInit = NonNullable<MessageInitShape<typeof AuthSettingsSchema>["keys"]>[number];
const key = (name: string, value: string): KeyInit => ({ name, knownBy: { case: "key", value } });
const sha256 = (name: string, value: string): KeyInit => ({ name, knownBy: { case: "sha256", value } });
const settings = (...keys: KeyInit[]) => create(AuthSettingsSchema, { keys });

const tools: PolicyTools = {
  clock: fakeClock(),
  wallNow: () => 0,
  random: () => 0,
  counters: { add: () => ({ total: 1, leftMs: 1 }) },
  keys: new Ring(),
  route: "",
};
const admit = (headers: HeaderMap, ...keys: KeyInit[]) =>
  policy.compile(settings(...(keys.length > 0 ? keys : [key("ann", ANN), key("bob", BOB)])), tools).admit!({
    method: "POST",
    path: "/",
    headers,
    remote: "127.0.0.1",
  });
/** Its name, or why it is refused. */
const nameOf = (known: ReturnType<typeof admit>) =>
  known instanceof GatewayError ? known.fault.reason : (known as Principal).name;
const basic = (pair: string) => `Basic ${Buffer.from(pair).toString("base64")}`;

/** What was given or thrown in place of a name. */
function refusal(headers: HeaderMap): unknown {
  try {
    const known = admit(headers);
    return known instanceof GatewayError ? known : { admitted: known };
  } catch (thrown) {
    return thrown;
  }
}

describe("auth knows a caller", () => {
  it.each<[string, HeaderMap]>([
    ["by Authorization: Bearer", { authorization: `Bearer ${ANN}` }],
    ["whatever the case of the scheme", { authorization: `bEARER   ${ANN}` }],
    ["by x-api-key", { "x-api-key": ANN }],
    ["by api-key", { "api-key": ANN }],
    ["by x-goog-api-key", { "x-goog-api-key": ANN }],
    ["by the password of Basic, whatever the user", { authorization: basic(`anybody:${ANN}`) }],
    ["by the password of Basic without a user", { authorization: basic(`:${ANN}`) }],
  ])("%s", (_, headers) => {
    expect(nameOf(admit(headers))).toBe("ann");
  });

  it("of several by the one whose key it is", () => {
    expect(nameOf(admit({ "x-api-key": BOB }))).toBe("bob");
  });

  it("by either of two keys while one takes the place of the other", () => {
    const both = [key("ann", ANN), key("ann", BOB)];
    expect([nameOf(admit({ "x-api-key": ANN }, ...both)), nameOf(admit({ "x-api-key": BOB }, ...both))]).toEqual([
      "ann",
      "ann",
    ]);
  });

  it("by a key of which the config has the SHA-256 alone, in either case", () => {
    // printf %s abc | sha256sum; the policy itself asks for longer keys only where it sees them.
    const hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    expect(nameOf(admit({ "x-api-key": "abc" }, sha256("ann", hex)))).toBe("ann");
    expect(nameOf(admit({ "x-api-key": "abc" }, sha256("ann", hex.toUpperCase())))).toBe("ann");
    expect(admit({ "x-api-key": hex }, sha256("ann", hex))).toMatchObject({ fault: { reason: "CALLER_UNKNOWN" } });
  });

  it("by a password that holds colons", () => {
    expect(nameOf(admit({ authorization: basic(`u:a:b:${ANN}`) }, key("ann", `a:b:${ANN}`)))).toBe("ann");
  });
});

describe("auth refuses with one and the same error", () => {
  it.each<[string, HeaderMap]>([
    ["no key", {}],
    ["a wrong key", { authorization: "Bearer nobody-0123456789-abcdef" }],
    ["a truncated key", { authorization: `Bearer ${ANN.slice(0, -1)}` }],
    ["an extended key", { authorization: `Bearer ${ANN}x` }],
    ["a key in another case", { authorization: `Bearer ${ANN.toUpperCase()}` }],
    ["a name in place of the key", { authorization: "Bearer ann" }],
    ["an empty key", { authorization: "Bearer " }],
    ["a key without a scheme", { authorization: ANN }],
    ["another scheme", { authorization: `Digest ${ANN}` }],
    ["the key as the user of Basic", { authorization: basic(`${ANN}:`) }],
    ["Basic without a colon", { authorization: basic(ANN) }],
    ["a cookie", { cookie: `authorization=Bearer ${ANN}; x-api-key=${ANN}` }],
    ["a key of 100,000 characters", { "x-api-key": "x".repeat(100_000) }],
    ["a name of JavaScript's own", { "x-api-key": "__proto__" }],
  ])("%s", (_, headers) => {
    expect(refusal(headers)).toBe(refusal({}));
  });

  it("which is CALLER_UNKNOWN and holds no key", () => {
    expect(refusal({ "x-api-key": `${ANN}x` })).toMatchObject({ fault: { reason: "CALLER_UNKNOWN" } });
    expect(JSON.stringify(refusal({ "x-api-key": `${ANN}x` }))).not.toContain("ann-");
  });
});

it("refuses two credentials, even equal ones: others on the way may have read the other", () => {
  const two = { authorization: `Bearer ${ANN}`, "x-api-key": ANN };
  expect(refusal(two)).toMatchObject({ http: 400, fault: { reason: "BODY_MALFORMED" } });
  expect(refusal({ "x-api-key": ANN, "api-key": ANN })).toMatchObject({ http: 400 });
});

describe("auth and a key in the query", () => {
  const { admit } = policy.compile(settings(key("ann", ANN)), tools);
  const ask = (path: string, query: string, headers: HeaderMap = {}) => {
    const known = admit!({ method: "POST", path, query, headers, remote: "127.0.0.1" }) as Principal | GatewayError;
    if (known instanceof GatewayError) throw known;
    return known.name;
  };

  it.each(["/v1beta/models/chat:generateContent", "/v1beta/models", "/v1/models/chat:streamGenerateContent"])(
    "take it on a path of Google's: %s",
    (path) => {
      expect(ask(path, `alt=sse&key=${encodeURIComponent(ANN)}`)).toBe("ann");
    },
  );

  it.each(["/v1/chat/completions", "/v1/models", "/v1/models/chat", "/x/v1beta/models"])(
    "do not take it elsewhere: %s",
    (path) => {
      expect(() => ask(path, `key=${ANN}`)).toThrow(expect.objectContaining({ http: 401 }) as Error);
    },
  );

  it("refuse a wrong one, and one beside a header", () => {
    expect(() => ask("/v1beta/models", "key=wrong")).toThrow(expect.objectContaining({ http: 401 }) as Error);
    const both = { "x-goog-api-key": ANN };
    expect(() => ask("/v1beta/models", `key=${ANN}`, both)).toThrow(expect.objectContaining({ http: 400 }) as Error);
  });
});

describe("auth's settings", () => {
  const problems = (...keys: KeyInit[]) => policy.check!(settings(...keys)).map((one) => `${one.path}: ${one.message}`);

  it("take keys of 16 to 1024 visible characters", () => {
    expect(problems(key("a", "x".repeat(16)), key("b", "x".repeat(1024)), key("c", "!~azAZ09-._~+/=:"))).toEqual([]);
  });

  it.each([
    ["too short", "x".repeat(15), "at least 16 characters"],
    ["too long", "x".repeat(1025), "at most 1024 characters"],
    ["with a space", "0123456789 abcdefg", "visible ASCII"],
    ["with a line break", "0123456789abcdef\n0", "visible ASCII"],
    ["with an umlaut", "0123456789abcdefü", "visible ASCII"],
  ])("refuse a key %s, without repeating it", (_, value, want) => {
    const [problem, ...others] = problems(key("ann", value));
    expect(problem).toMatch(new RegExp(`^keys\\[0\\]\\.key: .*${want}`));
    expect(problem).not.toContain(value);
    expect(others).toEqual([]);
  });

  it("refuse one key for two, in whatever form it stands there", () => {
    const hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    expect(problems(key("ann", ANN), key("bob", ANN), sha256("eve", hex), sha256("mal", hex.toUpperCase()))).toEqual([
      "keys[1].key: the same key as keys[0]; remove one of them",
      "keys[3].sha256: the same key as keys[2]; remove one of them",
    ]);
  });
});

describe("auth remembers a good header", () => {
  const { admit } = policy.compile(settings(key("ann", ANN), key("bob", `Bearer ${ANN}`)), tools);
  const by = (headers: HeaderMap) => {
    try {
      const known = admit!({ method: "POST", path: "/", query: "", headers, remote: "127.0.0.1" });
      return nameOf(known);
    } catch (thrown) {
      return (thrown as GatewayError).fault.reason;
    }
  };

  it("and answers as at first, however often it is asked", () => {
    for (let i = 0; i < 3; i++) {
      expect(by({ authorization: `Bearer ${ANN}` })).toBe("ann");
      expect(by({ authorization: ANN })).toBe("CALLER_UNKNOWN");
      expect(by({ authorization: `Bearer ${ANN}`, "x-api-key": ANN })).toBe("BODY_MALFORMED");
    }
  });

  it("and does not take it for the same text in another header", () => {
    for (let i = 0; i < 2; i++) {
      expect(by({ authorization: `Bearer ${ANN}` })).toBe("ann");
      expect(by({ "x-api-key": `Bearer ${ANN}` })).toBe("bob");
    }
  });
});

describe("auth knows the store's keys", () => {
  const pepper = Buffer.alloc(32, 7);
  const newKey = () => apiKeyOf(randomBytes(KEY_BYTES));
  const recordOf = (value: string, over: Partial<RingKey> = {}): RingKey => ({
    id: apiKeyId(value, pepper),
    name: "carl",
    hash: apiKeyHash(value, pepper).toString("base64"),
    grants: [grantOf("inference", ["chat"], ["team-*"])],
    expiresAt: undefined,
    ...over,
  });
  const state = (...keys: RingKey[]) => ({ keys, pepper: pepper.toString("base64") });
  const opened = (...keys: RingKey[]) => {
    const [ring, clock] = [new Ring(), { now: 1_000 }];
    ring.replace(state(...keys));
    const hooks = policy.compile(settings(key("ann", ANN)), { ...tools, keys: ring, wallNow: () => clock.now });
    const by = (headers: HeaderMap) =>
      hooks.admit!({ method: "POST", path: "/", headers, remote: "127.0.0.1" }) as Principal | GatewayError;
    return { ring, clock, by, nameBy: (headers: HeaderMap) => nameOf(by(headers)) };
  };

  it("in every form, beside the file's", () => {
    const value = newKey();
    const { nameBy } = opened(recordOf(value));
    const forms: HeaderMap[] = [
      { authorization: `Bearer ${value}` },
      { authorization: basic(`anybody:${value}`) },
      { "x-api-key": value },
      { "api-key": value },
      { "x-goog-api-key": value },
    ];
    expect(forms.map(nameBy)).toEqual(["carl", "carl", "carl", "carl", "carl"]);
    expect(nameBy({ "x-api-key": ANN })).toBe("ann");
    expect(nameBy({ "x-api-key": newKey() })).toBe("CALLER_UNKNOWN");
  });

  it("with what they may do, and their id", () => {
    const value = newKey();
    const carl = opened(recordOf(value)).by({ "x-api-key": value }) as Principal;
    expect([carl.keyId, carl.mayCall("chat", "team-a"), carl.mayCall("chat", "other")]).toEqual([
      apiKeyId(value, pepper),
      true,
      false,
    ]);
  });

  it("until one is ended, and from the moment that one is made", () => {
    const [old, young] = [newKey(), newKey()];
    const { ring, nameBy } = opened(recordOf(old));
    const both = () => [nameBy({ "x-api-key": old }), nameBy({ "x-api-key": young })];
    expect(both()).toEqual(["carl", "CALLER_UNKNOWN"]);
    ring.replace(state(recordOf(old), recordOf(young, { name: "dora" })));
    expect(both()).toEqual(["carl", "dora"]);
    ring.replace(state(recordOf(young, { name: "dora" })));
    expect(both()).toEqual(["CALLER_UNKNOWN", "dora"]);
  });

  it("until their time is over, to the millisecond", () => {
    const value = newKey();
    const { clock, nameBy } = opened(recordOf(value, { expiresAt: 2_000 }));
    expect(nameBy({ "x-api-key": value })).toBe("carl");
    clock.now = 1_999;
    expect(nameBy({ "x-api-key": value })).toBe("carl");
    clock.now = 2_000;
    expect(nameBy({ "x-api-key": value })).toBe("CALLER_UNKNOWN");
  });
});

type ScopeInit = MessageInitShape<typeof ScopeSchema>;
describe("auth's scopes in the file", () => {
  const withScopes = (...scopes: ScopeInit[]) => ({ ...key("ann", ANN), scopes }) as KeyInit;
  const ann = (...scopes: ScopeInit[]) => admit({ "x-api-key": ANN }, withScopes(...scopes)) as Principal;

  it("are inference everywhere when the file says nothing", () => {
    expect([ann().mayCall("predictions", "any"), ann().mayAsk("listed"), ann().mayAsk("routes.read")]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it("are what it says, and no more", () => {
    const one = ann({ realm: "inference", operations: ["chat"], routes: ["team-*"] }, { realm: "admin" });
    expect([one.mayCall("chat", "team-a"), one.mayCall("chat", "b"), one.mayCall("embeddings", "team-a")]).toEqual([
      true,
      false,
      false,
    ]);
    expect(one.mayAsk("keys.write")).toBe(true);
    expect(ann({ realm: "admin", operations: ["metrics.read"] }).mayAsk("inference")).toBe(false);
  });

  it("are refused with words that the realm does not have", () => {
    const problems = policy.check!(settings(withScopes({ realm: "inference", operations: ["chat", "routes.read"] })));
    expect(problems).toEqual([
      {
        path: "keys[0].scopes[0].operations[1]",
        message: "not one of chat, completions, embeddings, predictions, *",
      },
    ]);
  });
});
