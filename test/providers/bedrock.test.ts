/** The whole gateway before a fake of Bedrock that checks every signature by AWS's own package, and a fake of STS. */
import { readFileSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { eventFrame, exceptionFrame } from "../support/event-stream.ts";
import { type Exchange, type FakeUpstream, fakeUpstream, type Script } from "../support/fake-upstream.ts";
import { type Gateway, polygate, startGateway } from "../support/gateway.ts";

const fixture = (name: string) =>
  readFileSync(new URL(`../../src/providers/bedrock/fixtures/${name}`, import.meta.url));

/** Secrets of access keys, by their ids. */
const SECRETS: Readonly<Record<string, string>> = {
  AKIDSTATIC: "static/secret",
  AKIDCHAIN: "chain+secret",
  ASIALENT: "lent=secret",
};

let bedrock: FakeUpstream;
let sts: FakeUpstream;
let gateway: Gateway;
/** What Bedrock answers to a request whose signature is right. */
let answer: Script;

beforeAll(async () => {
  bedrock = await fakeUpstream();
  sts = await fakeUpstream();
  bedrock.always((exchange) => ({ ...answer, hold: verified(exchange, "bedrock").then(() => answer.hold) }));
  sts.always((exchange) => ({
    hold: verified(exchange, "sts"),
    headers: { "content-type": "text/xml" },
    body: [LENT],
  }));
  gateway = await startGateway(config(), {
    env: {
      AWS_REGION: "eu-west-3",
      AWS_ACCESS_KEY_ID: "AKIDCHAIN",
      AWS_SECRET_ACCESS_KEY: "chain+secret",
      AWS_SESSION_TOKEN: "",
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_BEARER_TOKEN_BEDROCK: undefined,
      STATIC_SECRET: "static/secret",
      BEARER: "ABSKbearer",
    },
  });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await bedrock.close();
  await sts.close();
});
beforeEach(() => {
  answer = whole("chat.json");
});

const LENT = `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIALENT</AccessKeyId>
<SecretAccessKey>lent=secret</SecretAccessKey><SessionToken>lent-token</SessionToken>
<Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`;

const whole = (name: string): Script => ({
  headers: { "content-type": "application/json", "x-amzn-requestid": "req-1" },
  body: [fixture(name)],
});
const streamed = (...frames: readonly Buffer[]): Script => ({
  headers: { "content-type": "application/vnd.amazon.eventstream", "x-amzn-requestid": "req-2" },
  body: frames,
});

function config(): string {
  const route = (name: string, type: string, model: string, aws: string, more = "") => `
  - name: ${name}
    route_type: llm/v1/${type}
    model:
      provider: ${name === "static" ? "bedrock" : "amazon_bedrock"}
      name: ${JSON.stringify(model)}
      config: {base_url: "${bedrock.url}/proxy"${more}, aws_config: ${aws}}`;
  const keys = "{aws_region: us-east-1, aws_access_key_id: AKIDSTATIC, aws_secret_access_key: $STATIC_SECRET}";
  const claude = "us.anthropic.claude-3-haiku-20240307-v1:0";
  return `log: {level: debug}\nroutes:${[
    route("static", "chat", claude, keys),
    route("address", "chat", "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.a.b-v1:0", keys),
    route("chain", "chat", claude, "{}"),
    route("role", "chat", claude, "{aws_role_arn: 'arn:aws:iam::123456789012:role/r'}", `, sts_base_url: "${sts.url}"`),
    route("bearer", "chat", claude, "{aws_region: us-east-1, aws_bearer_token: $BEARER}"),
    route("titan", "completions", "amazon.titan-text-express-v1", keys),
    route("embed", "embeddings", "amazon.titan-embed-text-v2:0", keys),
  ].join("")}\n`;
}

/** Signs what came once more, by AWS's own package and the secret of the key that it names. Throws when that differs. */
async function verified({ headers, method, url, body }: Exchange, service: string): Promise<void> {
  const { authorization = "" } = headers;
  if (authorization.startsWith("Bearer ")) return;
  const [, id = "", region = "", names = ""] =
    /Credential=(\w+)\/\d{8}\/([\w-]+)\/\w+\/aws4_request, SignedHeaders=([\w;-]+),/.exec(authorization) ?? [];
  const signed = names.split(";");
  const date = String(headers["x-amz-date"]);
  const signingDate = new Date(date.replace(/^(....)(..)(..T..)(..)(..Z)$/, "$1-$2-$3:$4:$5"));
  if (Math.abs(Date.now() - signingDate.getTime()) > 60_000) throw new Error(`signed at ${date}`);
  const token = headers["x-amz-security-token"];
  const credentials = {
    accessKeyId: id,
    secretAccessKey: SECRETS[id] ?? "",
    ...(typeof token === "string" && { sessionToken: token }),
  };
  const own = signed.filter((name) => !name.startsWith("x-amz-"));
  const signer = new SignatureV4({ service, region, credentials, sha256: Sha256, applyChecksum: false });
  const again = await signer.sign(
    {
      method,
      protocol: "http:",
      hostname: "",
      path: url,
      query: {},
      body,
      headers: Object.fromEntries(own.map((name) => [name, String(headers[name])])),
    },
    { signingDate },
  );
  if (again.headers["authorization"] !== authorization) throw new Error(`the signature is wrong: ${authorization}`);
}

function ask(model: string, more: object = {}, path = "chat/completions"): Promise<Response> {
  const messages = [{ role: "user", content: "hi" }];
  return fetch(`${gateway.url}/v1/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, ...(path === "chat/completions" && { messages }), ...more }),
  });
}

const TEXT = "Blåbærgrød: naïve café, 東京 and 👩‍🚀 fly 🚀.";
const last = () => bedrock.exchanges.at(-1)!;

describe("Bedrock through the gateway", () => {
  it.each(["static", "address", "chain", "role", "bearer"])("answers whole by the credential %s", async (route) => {
    const response = await ask(route);
    expect(await response.json()).toMatchObject({
      id: "req-1",
      choices: [{ message: { content: TEXT }, finish_reason: "stop", native_finish_reason: "end_turn" }],
      usage: { prompt_tokens: 12, completion_tokens: 31, total_tokens: 43 },
    });
    const claude = "/proxy/model/us.anthropic.claude-3-haiku-20240307-v1%3A0/converse";
    const profile = "arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.a.b-v1%3A0";
    expect(last().url).toBe(route === "address" ? `/proxy/model/${profile}/converse` : claude);
    expect(last().json).toEqual({ messages: [{ role: "user", content: [{ text: "hi" }] }] });
  });

  it("streams, and asks for it with a signature, too", async () => {
    answer = streamed(fixture("chat-tools.eventstream"));
    const text = await (await ask("static", { stream: true, stream_options: { include_usage: true } })).text();
    expect(last().url).toMatch(/\/converse-stream$/);
    expect(last().headers["accept"]).toBe("application/vnd.amazon.eventstream");
    const events = text.trimEnd().split("\n\n");
    expect(events.at(-1)).toBe("data: [DONE]");
    const chunks = events.slice(0, -1).map((event) => JSON.parse(event.slice("data: ".length)));
    const said = chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("");
    expect(said).toBe("I'll look up both.");
    const calls = chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? []);
    expect(calls.filter(({ id }) => id).map(({ index, function: { name } }) => [index, name])).toEqual([
      [0, "get_weather"],
      [1, "get_weather"],
      [2, "now"],
    ]);
    expect(chunks.at(-1)).toMatchObject({ id: "req-2", choices: [], usage: { total_tokens: 590 } });
  });

  it("takes a role on once for all who call, and signs with what it was lent", async () => {
    const all = await Promise.all(Array.from({ length: 5 }, () => ask("role").then(({ status }) => status)));
    expect(all).toEqual([200, 200, 200, 200, 200]);
    expect(sts.hits).toBe(1);
    expect(sts.exchanges[0]!.headers["authorization"]).toContain("Credential=AKIDCHAIN/");
    expect(last().headers["authorization"]).toContain("Credential=ASIALENT/");
    expect(last().headers["x-amz-security-token"]).toBe("lent-token");
  });

  it("asks in the region of the environment where the file names none", async () => {
    await ask("chain");
    expect(last().headers["authorization"]).toMatch(/Credential=AKIDCHAIN\/\d{8}\/eu-west-3\/bedrock\//);
    await ask("bearer");
    expect(last().headers["authorization"]).toBe("Bearer ABSKbearer");
  });

  it("completes and embeds in the words of old models", async () => {
    answer = whole("titan.json");
    const completion = await ask("titan", { prompt: "hi" }, "completions");
    expect(await completion.json()).toMatchObject({
      choices: [{ text: "\nRoses are red." }],
      usage: { total_tokens: 12 },
    });
    answer = streamed(fixture("titan.eventstream"));
    const stream = await (await ask("titan", { prompt: "hi", stream: true }, "completions")).text();
    expect(stream).toMatch(/"text":"are red\.".*"finish_reason":"stop".*data: \[DONE\]\n\n$/s);
    answer = whole("titan-embed.json");
    const vectors = await ask("embed", { input: "hi" }, "embeddings");
    expect(await vectors.json()).toMatchObject({
      data: [{ embedding: [0.5, -0.25, 0.125] }],
      usage: { prompt_tokens: 2 },
    });
  });

  it("refuses a stream that fails before its first event by its status, and later in the stream", async () => {
    const busy = exceptionFrame("throttlingException", "Too many tokens, please wait before trying again.");
    for (const frames of [[busy], [eventFrame("messageStart", { role: "assistant" }), busy]]) {
      answer = streamed(...frames);
      const early = await ask("static", { stream: true });
      expect(early.status).toBe(429);
      expect(await early.json()).toMatchObject({ error: { type: "rate_limit_error" } });
    }
    answer = streamed(fixture("modelStreamErrorException.eventstream"));
    const late = await (await ask("static", { stream: true })).text();
    expect(late).toContain('"content":"Once"');
    expect(late).not.toContain("[DONE]");
    expect(late.trimEnd().split("\n\n").at(-1)).toMatch(/^data: \{"error":\{"message":"The provider bedrock failed/);
  });

  it("never takes a stream for whole that was cut, by its bytes or between two events", async () => {
    const bytes = fixture("chat.eventstream");
    const frames = [
      eventFrame("messageStart", { role: "assistant" }),
      eventFrame("contentBlockDelta", { delta: { text: "x" } }),
    ];
    for (const script of [streamed(bytes.subarray(0, -5)), streamed(...frames), { ...streamed(bytes), cutAt: 600 }]) {
      answer = script;
      const text = await (await ask("static", { stream: true })).text();
      expect(text).toContain('data: {"error"');
      expect(text).not.toContain("[DONE]");
    }
  });

  it("tells a refusal of the credential to nobody but the log of one who looks for it", async () => {
    answer = {
      status: 403,
      headers: { "content-type": "application/json", "x-amzn-errortype": "AccessDeniedException" },
      body: ['{"Message":"User: arn:aws:iam::123456789012:user/x is not authorized"}'],
    };
    const response = await ask("static");
    expect(response.status).toBe(502);
    expect(await response.text()).not.toContain("arn:");
    await gateway.logged(/"cause":"AccessDeniedException: User: arn:aws:iam/);
  });
});

it("finds keys in the shared files of AWS's tools, and says so when there are none anywhere", async () => {
  const folder = await mkdtemp(join(tmpdir(), "polygate-test-"));
  const file = join(folder, "credentials");
  await writeFile(file, "[gate]\naws_access_key_id = AKIDCHAIN\naws_secret_access_key = chain+secret\n");
  const env = {
    AWS_REGION: "eu-west-3",
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_PROFILE: "gate",
    HOME: folder,
    AWS_ACCESS_KEY_ID: undefined,
    AWS_SECRET_ACCESS_KEY: undefined,
    AWS_SESSION_TOKEN: undefined,
    STATIC_SECRET: "s",
    BEARER: "b",
    AWS_CONFIG_FILE: join(folder, "none"),
  };
  const message = async (url: string) => {
    const body = JSON.stringify({ model: "chain", messages: [{ role: "user", content: "hi" }] });
    const headers = { "content-type": "application/json" };
    return (await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body })).json();
  };
  await using keyed = await startGateway(config(), { env: { ...env, AWS_SHARED_CREDENTIALS_FILE: file } });
  expect(await message(keyed.url)).toMatchObject({ choices: [{ message: { content: TEXT } }] });
  expect(last().headers["authorization"]).toContain("Credential=AKIDCHAIN/");
  await using bare = await startGateway(config(), {
    env: { ...env, AWS_SHARED_CREDENTIALS_FILE: join(folder, "none") },
  });
  expect(await message(bare.url)).toMatchObject({
    error: {
      message: expect.stringMatching(/^The gateway finds no AWS credential; its operator must/),
      type: "server_error",
    },
  });
});

it("has no region to call when nobody names one, and says so before it starts", async () => {
  const configPath = join(await mkdtemp(join(tmpdir(), "polygate-test-")), "polygate.yaml");
  const model = "{provider: bedrock, name: m, config: {}}";
  await writeFile(configPath, `routes: [{name: a, route_type: llm/v1/chat, model: ${model}}]\n`);
  const env = { AWS_REGION: undefined, AWS_DEFAULT_REGION: undefined };
  const { code, out, err } = await polygate(["check", configPath], { env });
  expect(code).toBe(1);
  expect(out + err).toMatch(/config\.aws_config\.aws_region: is needed; set a region such as us-east-1/);
});
