import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { BedrockSettingsSchema } from "../../../gen/providers/bedrock/v1/settings_pb.js";
import { accountOf, check } from "./settings.ts";

type Init = MessageInitShape<typeof BedrockSettingsSchema>;
type Aws = NonNullable<Init["awsConfig"]>;

const account = (init: Init, env: Readonly<Record<string, string>> = {}) =>
  accountOf(create(BedrockSettingsSchema, init), { env: (name) => env[name] });
const aws = (init: Aws): Init => ({ awsConfig: { awsRegion: "us-east-1", ...init } as Aws });
const problems = (init: Init) => check(create(BedrockSettingsSchema, init)).map(({ path }) => path);

const ROLE = "arn:aws:iam::123456789012:role/polygate";
const KEYS = { awsAccessKeyId: "AKID", awsSecretAccessKey: "secret" };

describe("the credential of Bedrock's settings", () => {
  it.each<[string, Aws, object]>([
    ["a bearer token before all", { awsBearerToken: "t", awsRoleArn: ROLE, ...KEYS }, { form: "bearer", token: "t" }],
    ["a role before keys", { awsRoleArn: ROLE, ...KEYS }, { form: "role", arn: ROLE, seconds: 900 }],
    [
      "a role for as long as is said",
      { awsRoleArn: ROLE, sessionLengthSeconds: 3600 },
      { form: "role", seconds: 3600 },
    ],
    ["keys", KEYS, { form: "keys", id: "AKID", secret: "secret", token: undefined }],
    ["keys that are lent", { ...KEYS, awsSessionToken: "x" }, { form: "keys", token: "x" }],
    ["the standard chain", {}, { form: "chain" }],
  ])("is %s", (_name, init, credential) => {
    expect(account(aws(init)).credential).toMatchObject(credential);
  });

  it("is the environment's bearer token before the rest of the standard chain, and after what is set", () => {
    const env = { AWS_BEARER_TOKEN_BEDROCK: "of-env" };
    expect(account(aws({}), env).credential).toEqual({ form: "bearer", token: "of-env" });
    expect(account(aws(KEYS), env).credential).toMatchObject({ form: "keys" });
  });
});

describe("settings that came over the network", () => {
  const stranger = (init: Aws) => accountOf(create(BedrockSettingsSchema, aws(init)), { stranger: true });

  it.each<[string, Aws]>([
    ["the standard chain", {}],
    ["a role, which the chain's keys take on", { awsRoleArn: ROLE }],
    ["a role beside keys", { awsRoleArn: ROLE, ...KEYS }],
  ])("have no credential of the gateway's own by %s", (_name, init) => {
    expect(() => stranger(init)).toThrow(/aws_config: has no credential of its own/);
  });

  it("have their own ones", () => {
    expect(stranger(KEYS).credential).toMatchObject({ form: "keys" });
    expect(stranger({ awsBearerToken: "t" }).credential).toMatchObject({ form: "bearer" });
  });
});

describe("where Bedrock is", () => {
  const hosts = (init: Init, env = {}) => {
    const { region, base, stsBase } = account(init, env);
    return [region, base.href, stsBase.href];
  };

  it.each<[Init, object, string[]]>([
    [
      aws({}),
      {},
      ["us-east-1", "https://bedrock-runtime.us-east-1.amazonaws.com/", "https://sts.us-east-1.amazonaws.com/"],
    ],
    [
      { awsConfig: { awsRegion: "cn-north-1" } },
      {},
      [
        "cn-north-1",
        "https://bedrock-runtime.cn-north-1.amazonaws.com.cn/",
        "https://sts.cn-north-1.amazonaws.com.cn/",
      ],
    ],
    [
      {},
      { AWS_REGION: "eu-west-3", AWS_DEFAULT_REGION: "us-west-2" },
      ["eu-west-3", "https://bedrock-runtime.eu-west-3.amazonaws.com/", "https://sts.eu-west-3.amazonaws.com/"],
    ],
    [
      { baseUrl: "https://vpce-1-2.bedrock-runtime.us-west-2.vpce.amazonaws.com", stsBaseUrl: "http://127.0.0.1:1/x" },
      {},
      ["us-west-2", "https://vpce-1-2.bedrock-runtime.us-west-2.vpce.amazonaws.com/", "http://127.0.0.1:1/x"],
    ],
    [
      { awsConfig: { awsRegion: "us-east-2" }, baseUrl: "https://bedrock-runtime-fips.us-east-1.amazonaws.com" },
      { AWS_REGION: "eu-west-3" },
      ["us-east-2", "https://bedrock-runtime-fips.us-east-1.amazonaws.com/", "https://sts.us-east-2.amazonaws.com/"],
    ],
  ])("is found: %j with %j", (init, env, found) => {
    expect(hosts(init, env)).toEqual(found);
  });

  it("must be said by somebody", () => {
    expect(() => account({})).toThrow(
      expect.objectContaining({ fault: expect.objectContaining({ param: "aws_config.aws_region" }) }),
    );
  });
});

describe("Bedrock's settings", () => {
  it.each<[string, Init]>([
    ["nothing", {}],
    ["a region", aws({})],
    ["a region of the government", { awsConfig: { awsRegion: "us-gov-west-1" } }],
    [
      "a role",
      aws({ awsRoleArn: "arn:aws-us-gov:iam::123456789012:role/a/b+c=d,e.f@g-h", sessionLengthSeconds: 43_200 }),
    ],
    ["keys with a token", aws({ ...KEYS, awsSessionToken: "t" })],
    ["a bearer token", aws({ awsBearerToken: "t" })],
  ])("may be %s", (_name, init) => {
    expect(problems(init)).toEqual([]);
  });

  it.each<[string, Init, string[]]>([
    ["a region that is none", { awsConfig: { awsRegion: "US East" } }, ["aws_config.aws_region"]],
    ["an id without its secret", aws({ awsAccessKeyId: "A" }), ["aws_config.aws_secret_access_key"]],
    ["a secret without its id", aws({ awsSecretAccessKey: "A" }), ["aws_config.aws_access_key_id"]],
    ["a token without keys", aws({ awsSessionToken: "A" }), ["aws_config.aws_session_token"]],
    ["a role that is a name", aws({ awsRoleArn: "polygate" }), ["aws_config.aws_role_arn"]],
    ["a session too short", aws({ awsRoleArn: ROLE, sessionLengthSeconds: 60 }), ["aws_config.session_length_seconds"]],
    [
      "a session too long",
      aws({ awsRoleArn: ROLE, sessionLengthSeconds: 43_201 }),
      ["aws_config.session_length_seconds"],
    ],
    ["a token of two lines", aws({ awsBearerToken: "a\nb" }), ["aws_config.aws_bearer_token"]],
    ["addresses that are none", { baseUrl: "bedrock", stsBaseUrl: "ftp://x" }, ["base_url", "sts_base_url"]],
  ])("may not be %s", (_name, init, paths) => {
    expect(problems(init)).toEqual(paths);
  });
});
