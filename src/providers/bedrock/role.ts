import { type Answer, ask } from "../../core/ask.ts";
import { type Fault, GatewayError } from "../../core/errors.ts";
import type { Exchange, Tools } from "../../core/provider.ts";
import type { KeySource, Lease } from "./lease.ts";
import { escaped, type Keys, Signer } from "./sign.ts";

/** What a role is taken on with. */
export interface RoleSettings {
  readonly roleArn: string;
  readonly seconds: number;
  readonly region: string;
  /** Of STS: scheme, host, port, and a path prefix. */
  readonly base: URL;
}

/** As what calls stand in AWS's own log, CloudTrail. */
const SESSION = "polygate";

/**
 * Takes a role on, once. Rejects with UPSTREAM_CREDENTIALS when STS refuses.
 *
 * @param own By whose keys it is asked for.
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 */
export async function assumeRole(
  { roleArn, seconds, region, base }: RoleSettings,
  own: KeySource,
  exchange: Exchange,
  tools: Pick<Tools, "clock" | "wallNow">,
): Promise<Lease> {
  const keys = await own.keys();
  const form = [
    ["Action", "AssumeRole"],
    ["Version", "2011-06-15"],
    ["RoleArn", roleArn],
    ["RoleSessionName", SESSION],
    ["DurationSeconds", String(seconds)],
  ];
  const body = Buffer.from(form.map(([name, value]) => `${name}=${escaped(value!)}`).join("&"));
  const path = `${base.pathname.replace(/\/+$/, "")}/`;
  const headers: [string, string][] = [["content-type", "application/x-www-form-urlencoded; charset=utf-8"]];
  const signable = { method: "POST", path, headers: [...headers, ["host", base.host] as const], body };
  const signed = new Signer(region, "sts").sign(keys, tools.wallNow(), signable);
  const sent = { path, headers: [...headers.flat(), "accept-encoding", "identity", ...signed], body };
  const answer = await ask(exchange, sent, tools.clock, "AWS STS", "bedrock: AWS STS");
  if (answer.status !== 200) throw refusal(answer, own, keys);
  return leaseIn(answer);
}

/** The keys in STS's answer, which is flat XML without entities in what is read of it. */
function leaseIn({ body }: Answer): Lease {
  const xml = body.toString("utf8");
  const [accessKeyId, secretAccessKey, sessionToken, expiration] = [
    "AccessKeyId",
    "SecretAccessKey",
    "SessionToken",
    "Expiration",
  ].map((name) => textIn(xml, name));
  const expiresAt = Date.parse(expiration ?? "");
  if (!accessKeyId || !secretAccessKey || !sessionToken || Number.isNaN(expiresAt)) {
    throw new GatewayError("AWS STS gave no keys for the route's role.", { reason: "UPSTREAM_FAILED" });
  }
  return { keys: { accessKeyId, secretAccessKey, sessionToken }, expiresAt };
}

function refusal({ status, headers, body }: Answer, own: KeySource, keys: Keys): GatewayError {
  const xml = body.toString("utf8");
  const code = textIn(xml, "Code") ?? `status ${status}`;
  if (/Expired|InvalidClientTokenId/.test(code)) own.refused(keys);
  const { "x-amzn-requestid": id } = headers;
  const fault: Fault = {
    reason: status >= 500 ? "UPSTREAM_FAILED" : /Throttl/.test(code) ? "UPSTREAM_BUSY" : "UPSTREAM_CREDENTIALS",
    upstreamStatus: status,
    ...(typeof id === "string" && { upstreamRequestId: id.slice(0, 128) }),
  };
  const what = "its operator must check aws_role_arn, what the role trusts, and the gateway's own AWS credential";
  return new GatewayError(`AWS STS does not lend the route's role (${code}); ${what}.`, fault, textIn(xml, "Message"));
}

function textIn(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
}
