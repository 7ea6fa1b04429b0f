import { create } from "@bufbuild/protobuf";
import {
  type AwsConfig,
  AwsConfigSchema,
  type BedrockSettings,
} from "../../../gen/providers/bedrock/v1/settings_pb.js";
import { errors } from "../../core/errors.ts";
import type { SettingsProblem, Tools } from "../../core/provider.ts";
import { isHeaderText, isHttpBase } from "../../dialects/openai/base.ts";

const ROLE_SECONDS = { default: 900, least: 900, most: 43_200 };

/** How a model is called, worked out of its settings. */
export interface Account {
  readonly region: string;
  readonly base: URL;
  readonly stsBase: URL;
  readonly credential: Credential;
}

/** One of the four forms; of several that are given the first of this list. */
export type Credential =
  | { readonly form: "bearer"; readonly token: string }
  | { readonly form: "role"; readonly arn: string; readonly seconds: number }
  | { readonly form: "keys"; readonly id: string; readonly secret: string; readonly token: string | undefined }
  | { readonly form: "chain" };

/** Throws FIELD_INVALID when neither the settings nor the environment name a region. */
export function accountOf(
  settings: BedrockSettings,
  { env = () => undefined, stranger }: Pick<Tools, "env" | "stranger">,
): Account {
  const aws = awsOf(settings);
  const region = aws.awsRegion || env("AWS_REGION") || env("AWS_DEFAULT_REGION") || regionIn(settings.baseUrl);
  if (!region) {
    const description = "is needed; set a region such as us-east-1, here or as the variable AWS_REGION";
    throw errors.fieldInvalid([{ field: "aws_config.aws_region", description }]);
  }
  const credential = credentialOf(aws, env("AWS_BEARER_TOKEN_BEDROCK"));
  // Roles are taken on by the chain's keys.
  if (stranger && (credential.form === "chain" || credential.form === "role")) throw notTheirs();
  const suffix = region.startsWith("cn-")
    ? "amazonaws.com.cn"
    : region.startsWith("eusc-")
      ? "amazonaws.eu"
      : "amazonaws.com";
  return {
    region,
    base: new URL(settings.baseUrl || `https://bedrock-runtime.${region}.${suffix}`),
    stsBase: new URL(settings.stsBaseUrl || `https://sts.${region}.${suffix}`),
    credential,
  };
}

function notTheirs() {
  const description =
    "has no credential of its own; set aws_bearer_token, or aws_access_key_id and aws_secret_access_key: the gateway's own " +
    "credentials, and roles taken on by them, are for config files";
  return errors.fieldInvalid([{ field: "aws_config", description }]);
}

/** AWS's own addresses name it. */
function regionIn(baseUrl: string): string | undefined {
  return /^https?:\/\/[^/]*\.([a-z]{2,}(?:-[a-z]+)+-\d)\.(?:vpce\.)?amazonaws\./.exec(baseUrl)?.[1];
}

function credentialOf(aws: AwsConfig, bearer: string | undefined): Credential {
  if (aws.awsBearerToken !== "") return { form: "bearer", token: aws.awsBearerToken };
  if (aws.awsRoleArn !== "") {
    return { form: "role", arn: aws.awsRoleArn, seconds: aws.sessionLengthSeconds ?? ROLE_SECONDS.default };
  }
  if (aws.awsAccessKeyId !== "") {
    const token = aws.awsSessionToken || undefined;
    return { form: "keys", id: aws.awsAccessKeyId, secret: aws.awsSecretAccessKey, token };
  }
  return bearer ? { form: "bearer", token: bearer } : { form: "chain" };
}

/** What is wrong with the settings by themselves. */
export function check(settings: BedrockSettings): readonly SettingsProblem[] {
  const aws = awsOf(settings);
  const problems: SettingsProblem[] = [];
  const say = (path: string, message: string) => problems.push({ path, message });
  const sayAws = (name: string, message: string) => say(`aws_config.${name}`, message);
  if (aws.awsRegion !== "" && !/^[a-z]{2,}(-[a-z]+)+-\d+$/.test(aws.awsRegion)) {
    sayAws("aws_region", "is no region; set one such as us-east-1");
  }
  if (aws.awsAccessKeyId !== "" && aws.awsSecretAccessKey === "") {
    sayAws("aws_secret_access_key", "is needed with aws_access_key_id; set the key's secret");
  }
  if (aws.awsSecretAccessKey !== "" && aws.awsAccessKeyId === "") {
    sayAws("aws_access_key_id", "is needed with aws_secret_access_key; set the key's id");
  }
  if (aws.awsSessionToken !== "" && aws.awsAccessKeyId === "") {
    sayAws("aws_session_token", "is of keys that are not here; set aws_access_key_id and aws_secret_access_key too");
  }
  if (aws.awsRoleArn !== "" && !/^arn:[\w-]+:iam::\d{12}:role\/[\w+=,.@/-]+$/.test(aws.awsRoleArn)) {
    sayAws("aws_role_arn", "is no role; set one such as arn:aws:iam::123456789012:role/name");
  }
  const { sessionLengthSeconds: seconds } = aws;
  if (seconds !== undefined && (seconds < ROLE_SECONDS.least || seconds > ROLE_SECONDS.most)) {
    sayAws("session_length_seconds", `must be from ${ROLE_SECONDS.least} to ${ROLE_SECONDS.most}`);
  }
  for (const [name, text] of [
    ["aws_access_key_id", aws.awsAccessKeyId],
    ["aws_session_token", aws.awsSessionToken],
    ["aws_bearer_token", aws.awsBearerToken],
  ] as const) {
    if (!isHeaderText(text))
      sayAws(name, "has a character that no HTTP header can carry; check that it was copied whole");
  }
  for (const [name, text] of [
    ["base_url", settings.baseUrl],
    ["sts_base_url", settings.stsBaseUrl],
  ] as const) {
    if (text !== "" && !isHttpBase(text)) say(name, "must be an http or https address such as https://host/path");
  }
  return problems;
}

function awsOf({ awsConfig }: BedrockSettings): AwsConfig {
  return awsConfig ?? create(AwsConfigSchema);
}
