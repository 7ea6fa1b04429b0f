/** The gateway in front of a server of OpenAI's kind that nobody here wrote: LiteLLM's proxy with a canned answer. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { question, reference, streamedOf, type Told } from "./question.ts";
import { client, clientSuite, need, PATIENCE_MS, run } from "./tools.ts";

const KEY = "sk-loopback-tests-only";
const TEXT = "Grüße aus der Küche: 東京 🍜, and that is all there is to say.";

const liteLLMConfig = `
model_list:
  - model_name: canned
    litellm_params: { model: openai/canned, api_key: none, mock_response: "${TEXT}" }
litellm_settings: { telemetry: false }
`;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

clientSuite("LiteLLM", "in front of LiteLLM's proxy", (litellm) => {
  let folder: string;
  let upstream: ChildProcess;
  let upstreamUrl: string;
  let gateway: Gateway;
  let want: Told;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "polygate-litellm-"));
    const config = join(folder, "litellm.yaml");
    await writeFile(config, liteLLMConfig);
    const port = await freePort();
    upstreamUrl = `http://127.0.0.1:${port}`;
    upstream = spawn(litellm, ["--config", config, "--host", "127.0.0.1", "--port", String(port)], {
      cwd: folder,
      env: {
        ...process.env,
        LITELLM_MASTER_KEY: KEY,
        LITELLM_LOCAL_MODEL_COST_MAP: "True",
        LITELLM_TELEMETRY: "False",
        HF_HUB_OFFLINE: "1",
      },
      stdio: ["ignore", "ignore", "ignore"],
    });
    await answers(`${upstreamUrl}/health/liveliness`, upstream);
    gateway = await startGateway(`
routes:
  - name: chat
    route_type: llm/v1/chat
    model:
      provider: openai
      name: canned
      config: { openai_api_key: ${KEY}, openai_api_base: "${upstreamUrl}/v1" }
`);
    want = await reference(upstreamUrl, "canned", KEY);
  }, 2 * PATIENCE_MS);
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    if (upstream && upstream.exitCode === null && upstream.kill("SIGKILL")) await once(upstream, "close");
    await rm(folder, { recursive: true, force: true });
  });

  const stream = async (baseUrl: string, model: string, key: string) => {
    const response = await fetch(`${baseUrl}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
      body: JSON.stringify({ model, ...question, stream: true, stream_options: { include_usage: true } }),
    });
    expect(response.status).toBe(200);
    return streamedOf(await response.text());
  };

  it("gives its answers as it gives them itself, whole and as a stream", async () => {
    expect(want.text).toBe(TEXT);
    expect(await reference(gateway.url, "chat")).toEqual(want);
    const direct = await stream(upstreamUrl, "canned", KEY);
    expect(direct.text).toBe(TEXT);
    expect(await stream(gateway.url, "chat", "none")).toEqual(direct);
  });

  it("gives them to OpenAI's SDK for Python", async ({ skip }) => {
    const python = need("Python with openai and grpcio", skip);
    const args = [client("openai_sdk.py"), gateway.url, "chat", KEY];
    const got = JSON.parse(await run(python, args, { input: JSON.stringify(question) }));
    expect(got.unary).toEqual(want);
    expect(got.stream).toEqual(await stream(upstreamUrl, "canned", KEY));
  });

  it("gives them over Connect, which shares nothing with OpenAI's form", async () => {
    const messages = question.messages.map(({ role, content }) => ({
      role: `ROLE_${role.toUpperCase()}`,
      text: content,
    }));
    const response = await fetch(`${gateway.url}/polygate.v1.ChatService/Chat`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...question, model: "chat", messages }),
    });
    const { choices, served } = (await response.json()) as {
      choices: [{ message: { text: string } }];
      served: { provider: string };
    };
    expect(choices[0].message.text).toBe(TEXT);
    expect(served.provider).toBe("openai");
  });
});

/** Polls until the address answers 200. Throws when the process ends. */
async function answers(url: string, process: ChildProcess): Promise<void> {
  while (
    !(await fetch(url).then(
      (response) => response.ok,
      () => false,
    ))
  ) {
    if (process.exitCode !== null) throw new Error(`LiteLLM ended with ${process.exitCode}.`);
    await delay(200);
  }
}
