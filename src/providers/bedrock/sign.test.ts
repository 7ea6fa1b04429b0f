import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import { describe, expect, it } from "vitest";
import { escaped, type Keys, type Signable, Signer } from "./sign.ts";

const KEYS: Keys = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
const AT = Date.UTC(2015, 7, 30, 12, 36);
const SCOPE = "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request";
const HOST = ["host", "example.amazonaws.com"] as const;

type Vector = readonly [name: string, request: Partial<Signable>, signed: string, signature: string];

/** AWS's own test suite for Signature Version 4, aws-sig-v4-test-suite: the request lines that can be sent as they are. */
const VECTORS: readonly Vector[] = [
  ["get-vanilla", {}, "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"],
  [
    "get-unreserved",
    { path: "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" },
    "host;x-amz-date",
    "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
  ],
  [
    "get-slashes",
    { path: "//example//" },
    "host;x-amz-date",
    "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
  ],
  [
    "get-vanilla-query-order-key-case",
    { path: "/?Param2=value2&Param1=value1" },
    "host;x-amz-date",
    "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
  ],
  [
    "get-vanilla-query-order-value",
    { path: "/?Param1=value2&Param1=value1" },
    "host;x-amz-date",
    "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694",
  ],
  [
    "get-vanilla-utf8-query",
    { path: "/?ሴ=bar" },
    "host;x-amz-date",
    "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
  ],
  [
    "get-header-value-order",
    { headers: [HOST, ...["value4", "value1", "value3", "value2"].map((one) => ["my-header1", one] as const)] },
    "host;my-header1;x-amz-date",
    "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
  ],
  [
    "get-header-key-duplicate",
    { headers: [HOST, ...["value2", "value2", "value1"].map((one) => ["my-header1", one] as const)] },
    "host;my-header1;x-amz-date",
    "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
  ],
  [
    "get-header-value-trim",
    { headers: [HOST, ["my-header1", " value1"], ["my-header2", '"a   b   c"']] },
    "host;my-header1;my-header2;x-amz-date",
    "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
  ],
  [
    "post-x-www-form-urlencoded",
    {
      method: "POST",
      headers: [HOST, ["content-type", "application/x-www-form-urlencoded"]],
      body: "Param1=value1",
    },
    "content-type;host;x-amz-date",
    "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
  ],
];

const request = (over: Partial<Signable>): Signable => ({
  method: "GET",
  path: "/",
  headers: [HOST],
  body: "",
  ...over,
});

describe("a signature of version 4", () => {
  it.each(VECTORS)("is what AWS publishes: %s", (_name, over, signed, signature) => {
    expect(new Signer("us-east-1", "service").sign(KEYS, AT, request(over))).toEqual([
      "x-amz-date",
      "20150830T123600Z",
      "authorization",
      `AWS4-HMAC-SHA256 ${SCOPE}, SignedHeaders=${signed}, Signature=${signature}`,
    ]);
  });

  it("covers the token of keys that are lent: post-sts-header-before", () => {
    const sessionToken = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267";
    expect(new Signer("us-east-1", "service").sign({ ...KEYS, sessionToken }, AT, request({}))).toEqual([
      "x-amz-date",
      "20150830T123600Z",
      "x-amz-security-token",
      sessionToken,
      "authorization",
      `AWS4-HMAC-SHA256 ${SCOPE}, SignedHeaders=host;x-amz-date;x-amz-security-token, ` +
        "Signature=07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
    ]);
  });

  it.each([
    ["a model", "/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse"],
    [
      "an address",
      `/model/${escaped("arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.a.b-v1:0")}/converse`,
    ],
    ["a prefix with odd letters", `/proxy%20a/${escaped("!'()*é")}/model/x/invoke`],
  ])("is what AWS's own package makes of the path of %s", async (_name, path) => {
    const headers = { host: "bedrock-runtime.us-east-1.amazonaws.com", "content-type": "application/json" };
    const body = Buffer.from('{"a":"é"}');
    const library = new SignatureV4({
      service: "bedrock",
      region: "eu-west-3",
      credentials: { ...KEYS, sessionToken: "" },
      sha256: Sha256,
    });
    const theirs = await library.sign(
      { method: "POST", protocol: "https:", hostname: headers.host, path, query: {}, headers: { ...headers }, body },
      { signingDate: new Date(AT), unsignableHeaders: new Set(["x-amz-content-sha256"]) },
    );
    const ours = new Signer("eu-west-3", "bedrock");
    expect(ours.sign(KEYS, AT, { method: "POST", path, headers: Object.entries(headers), body }).at(-1)).toBe(
      theirs.headers["authorization"],
    );
  });

  it("has a key of its own for each day and each secret", () => {
    const signer = new Signer("us-east-1", "service");
    const fresh = (keys: Keys, at: number) => new Signer("us-east-1", "service").sign(keys, at, request({}));
    const other = { ...KEYS, secretAccessKey: "other" };
    const tomorrow = AT + 86_400_000;
    for (const [keys, at] of [
      [KEYS, AT],
      [KEYS, tomorrow],
      [other, tomorrow],
      [KEYS, AT],
    ] as const) {
      expect(signer.sign(keys, at, request({}))).toEqual(fresh(keys, at));
    }
  });
});
