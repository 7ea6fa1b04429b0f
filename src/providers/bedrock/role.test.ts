import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { fakeClock } from "../../../test/support/clock.ts";
import { fakeUpstream, type Script } from "../../../test/support/fake-upstream.ts";
import { egressOf } from "../../net/egress.ts";
import { Dialer } from "../../net/send.ts";
import { fixedKeys, LeasedKeys } from "./lease.ts";
import { assumeRole } from "./role.ts";
import { Signer } from "./sign.ts";

const sts = await fakeUpstream({});
const dialer = new Dialer();
afterAll(async () => {
  await dialer.close();
  await sts.close();
});

const OWN = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "own-secret", sessionToken: "own-token" };
const START = Date.UTC(2026, 0, 2, 3, 4, 5);
const time = { now: START };
const clock = fakeClock();
const tools = { clock, wallNow: () => time.now };
const ROLE = {
  roleArn: "arn:aws:iam::123456789012:role/team+a/polygate",
  seconds: 900,
  region: "eu-west-1",
  base: new URL(`${sts.url}/sts`),
};
const exchange = dialer.to(sts.url, { connectMs: 1000, maxConnections: 10, egress: egressOf([], "file") });

beforeEach(() => {
  time.now = START;
});

/** What STS answers, in its own XML. */
function lends(n: number, until: number): Script {
  const xml = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleResult>
    <AssumedRoleUser>
      <AssumedRoleId>AROA123EXAMPLE123:polygate</AssumedRoleId>
      <Arn>arn:aws:sts::123456789012:assumed-role/polygate/polygate</Arn>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>ASIA${n}</AccessKeyId>
      <SecretAccessKey>lent+secret/${n}=</SecretAccessKey>
      <SessionToken>lent//token+${n}==</SessionToken>
      <Expiration>${new Date(until).toISOString().replace(".000", "")}</Expiration>
    </Credentials>
  </AssumeRoleResult>
  <ResponseMetadata><RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ResponseMetadata>
</AssumeRoleResponse>`;
  return { headers: { "content-type": "text/xml" }, body: [xml] };
}

function refuses(status: number, code: string, message: string): Script {
  const xml = `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>x</RequestId></ErrorResponse>`;
  return { status, headers: { "content-type": "text/xml", "x-amzn-requestid": "req-1" }, body: [xml] };
}

describe("a role", () => {
  it("is asked for by a signed form, and gives keys with their end", async () => {
    sts.next(lends(1, START + 900_000));
    expect(await assumeRole(ROLE, fixedKeys(OWN), exchange, tools)).toEqual({
      keys: { accessKeyId: "ASIA1", secretAccessKey: "lent+secret/1=", sessionToken: "lent//token+1==" },
      expiresAt: START + 900_000,
    });
    const seen = sts.exchanges.at(-1)!;
    expect(seen.url).toBe("/sts/");
    expect(Object.fromEntries(new URLSearchParams(seen.body.toString()))).toEqual({
      Action: "AssumeRole",
      Version: "2011-06-15",
      RoleArn: ROLE.roleArn,
      RoleSessionName: "polygate",
      DurationSeconds: "900",
    });
    const { host, "content-type": type = "" } = seen.headers;
    const signed = new Signer("eu-west-1", "sts").sign(OWN, START, {
      method: "POST",
      path: "/sts/",
      headers: [
        ["content-type", type],
        ["host", host!],
      ],
      body: seen.body,
    });
    expect(seen.headers["authorization"]).toBe(signed.at(-1));
    expect(seen.headers["x-amz-security-token"]).toBe("own-token");
  });

  it("is taken on again before its keys end, by one request however many calls there are", async () => {
    const keys = new LeasedKeys(() => assumeRole(ROLE, fixedKeys(OWN), exchange, tools), tools);
    const before = sts.hits;
    sts.next(lends(1, START + 900_000), lends(2, START + 1_500_000));
    await Promise.all(Array.from({ length: 20 }, async () => keys.keys()));
    expect(sts.hits).toBe(before + 1);
    time.now = START + 600_000;
    const got = await Promise.all(Array.from({ length: 20 }, async () => keys.keys()));
    expect(new Set(got.map(({ accessKeyId }) => accessKeyId))).toEqual(new Set(["ASIA1"]));
    await (await sts.exchange(before + 1)).finished;
    time.now = START + 899_000;
    expect((await keys.keys()).accessKeyId).toBe("ASIA2");
    expect(sts.hits).toBe(before + 2);
  });

  it.each([
    [403, "AccessDenied", "UPSTREAM_CREDENTIALS", 502],
    [403, "ExpiredToken", "UPSTREAM_CREDENTIALS", 502],
    [400, "ValidationError", "UPSTREAM_CREDENTIALS", 502],
    [400, "Throttling", "UPSTREAM_BUSY", 429],
    [500, "InternalFailure", "UPSTREAM_FAILED", 502],
  ])("that STS refuses with %i %s is %s, and the words of it are for the log", async (status, code, reason, http) => {
    sts.next(refuses(status, code, "User arn:aws:iam::1:user/x may not"));
    const error = await assumeRole(ROLE, fixedKeys(OWN), exchange, tools).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ http, fault: { reason, upstreamStatus: status, upstreamRequestId: "req-1" } });
    expect(String(error)).toContain(`(${code})`);
    expect(String(error)).not.toContain("arn:");
    expect(String((error as Error).cause)).toContain("user/x may not");
  });

  it("is no role when STS answers otherwise, or is not there, or is silent for 10 seconds", async () => {
    sts.next({ body: ["<html>maintenance</html>"] });
    await expect(assumeRole(ROLE, fixedKeys(OWN), exchange, tools)).rejects.toThrow("gave no keys");
    const nobody = dialer.to("http://127.0.0.1:9", {
      connectMs: 1000,
      maxConnections: 1,
      egress: egressOf([], "file"),
    });
    await expect(assumeRole(ROLE, fixedKeys(OWN), nobody, tools)).rejects.toMatchObject({
      fault: { reason: "UPSTREAM_UNREACHABLE" },
    });
    sts.next({ ending: "stall" });
    const asked = sts.hits;
    const silent = assumeRole(ROLE, fixedKeys(OWN), exchange, tools);
    await sts.exchange(asked);
    clock.advance(10_000);
    await expect(silent).rejects.toMatchObject({ fault: { reason: "DEADLINE_PASSED" } });
  });
});
