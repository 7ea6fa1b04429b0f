import { create } from "@bufbuild/protobuf";
import { afterAll, expect, it, vi } from "vitest";
import { BedrockSettingsSchema } from "../../../gen/providers/bedrock/v1/settings_pb.js";
import { fakeClock } from "../../../test/support/clock.ts";
import { fakeUpstream } from "../../../test/support/fake-upstream.ts";
import { callOf, planOf } from "../../../test/support/plan.ts";
import { egressOf } from "../../net/egress.ts";
import { Dialer } from "../../net/send.ts";
import { provider } from "./index.ts";

const sts = await fakeUpstream();
const dialer = new Dialer();
afterAll(async () => {
  vi.unstubAllEnvs();
  await dialer.close();
  await sts.close();
});

const START = Date.UTC(2026, 0, 2);
const time = { now: START };
sts.always(() => {
  const end = new Date(time.now + 900_000).toISOString();
  const keys = `<AccessKeyId>ASIA${sts.hits}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>`;
  return { body: [`<Credentials>${keys}<Expiration>${end}</Expiration></Credentials>`] };
});

it("a role is taken on when it is first needed, and once more when AWS says that its keys are expired", async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIDOWN");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "own");
  vi.stubEnv("AWS_SESSION_TOKEN", "");
  const dialed: string[] = [];
  const upstream = provider.open(
    create(BedrockSettingsSchema, {
      stsBaseUrl: sts.url,
      awsConfig: { awsRegion: "us-east-1", awsRoleArn: "arn:aws:iam::123456789012:role/r" },
    }),
    {
      clock: fakeClock(),
      wallNow: () => time.now,
      random: () => 0,
      dial(origin) {
        dialed.push(origin);
        return dialer.to(origin, { connectMs: 1000, maxConnections: 5, egress: egressOf([], "file") });
      },
    },
  );
  expect(dialed).toEqual([]);
  const call = callOf(planOf([]), false);
  const keyOf = async () => {
    const { headers } = await upstream.encode(call, call.body, "m");
    return /Credential=(\w+)\//.exec(headers.at(-1)!)?.[1];
  };
  expect(await Promise.all([keyOf(), keyOf(), keyOf()])).toEqual(["ASIA1", "ASIA1", "ASIA1"]);
  expect(dialed).toEqual([sts.url]);
  const expired = () => {
    const body = Buffer.from('{"message":"The security token included in the request is expired"}');
    return upstream.fault(403, { "x-amzn-errortype": "ExpiredTokenException" }, body);
  };
  // Keys as new as these would be refused again.
  expect(expired().fault.reason).toBe("UPSTREAM_CREDENTIALS");
  expect(await keyOf()).toBe("ASIA1");
  time.now += 10_000;
  expired();
  expect(await keyOf()).toBe("ASIA2");
  expect(sts.hits).toBe(2);
});

it("nothing is dialed where settings are only looked at", async () => {
  const settings = create(BedrockSettingsSchema, {
    awsConfig: { awsRegion: "us-east-1", awsRoleArn: "arn:aws:iam::123456789012:role/r" },
  });
  const upstream = provider.open(settings, { clock: fakeClock(), wallNow: () => 0, random: () => 0 });
  const call = callOf(planOf([]), false);
  await expect(upstream.encode(call, call.body, "m")).rejects.toMatchObject({
    fault: { reason: "UPSTREAM_UNREACHABLE" },
  });
});
