/** The gateway in front of a server of OpenAI's kind that nobody here wrote: LiteLLM's proxy with a canned answer. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { openPages } from "./pages.ts";
import { type Both, question, reference, type Streamed, simulatorConfig, streamedOf, type Told } from "./question.ts";
import { answers, freePort } from "./servers.ts";
import { clientSuite, need, PATIENCE_MS, type Tool } from "./tools.ts";
import { askCurl, askGrpcio, askGrpcurl, askMlflow, askOpenaiNode, askOpenaiPython, toldByMlflow } from "./ways.ts";

const KEY = "sk-loopback-tests-only";
const TEXT = "Grüße aus der Küche: 東京 🍜, and that is all there is to say.";

const LITELLM_CONFIG = `
model_list:
  - model_name: canned
    litellm_params: { model: openai/canned, api_key: none, mock_response: "${TEXT}" }
litellm_settings: { telemetry: false }
`;

/** The simulator's config with LiteLLM behind its chat route, and open to every origin. */
const configOf = (upstreamUrl: string) =>
  simulatorConfig(`listen: { cors: { allowed_origins: ["*"] } }`).replace(
    "provider: simulator, name: simulator",
    `provider: openai, name: canned, config: { openai_api_key: ${KEY}, openai_api_base: "${upstreamUrl}/v1" }`,
  );

clientSuite("LiteLLM", "in front of LiteLLM's proxy", (litellm) => {
  let folder: string;
  let upstream: ChildProcess;
  let gateway: Gateway;
  /** What LiteLLM says without the gateway. Its counts of a stream differ from those of a whole answer. */
  let want: { readonly unary: Told; readonly stream: Streamed };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "polygate-litellm-"));
    const config = join(folder, "litellm.yaml");
    await writeFile(config, LITELLM_CONFIG);
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    upstream = spawn(litellm, ["--config", config, "--host", "127.0.0.1", "--port", String(port)], {
      cwd: folder,
      env: {
        ...process.env,
        LITELLM_MASTER_KEY: KEY,
        LITELLM_LOCAL_MODEL_COST_MAP: "True",
        LITELLM_TELEMETRY: "False",
        HF_HUB_OFFLINE: "1",
      },
      stdio: "ignore",
    });
    await answers(`${url}/health/liveliness`, upstream);
    gateway = await startGateway(configOf(url));
    want = { unary: await reference(url, "canned", KEY), stream: await stream(url, "canned", KEY) };
    expect([want.unary.text, want.stream.text]).toEqual([TEXT, TEXT]);
  }, 2 * PATIENCE_MS);
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    if (upstream?.exitCode === null && upstream.kill("SIGKILL")) await once(upstream, "close");
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  it("gives its answers as it gives them itself, cut into the same pieces", async () => {
    expect(await reference(gateway.url)).toEqual(want.unary);
    expect(await stream(gateway.url, "chat", "none")).toEqual(want.stream);
  });

  const same = ({ unary, stream: { pieces, ...told } }: Both) => {
    expect(unary).toEqual(want.unary);
    const { pieces: _, ...wanted } = want.stream;
    expect(told).toEqual(wanted);
    expect(pieces).toBeGreaterThan(1);
  };

  it("gives them to OpenAI's SDK for Node", async () => same(await askOpenaiNode(gateway)));

  it.for<[string, Tool, (path: string, to: Gateway) => Promise<Both>]>([
    ["OpenAI's SDK for Python", "Python with openai and grpcio", askOpenaiPython],
    ["grpcio", "Python with openai and grpcio", askGrpcio],
    ["grpcurl", "grpcurl", askGrpcurl],
    ["curl", "curl", askCurl],
  ])("gives them to %s", async ([, tool, ask], { skip }) => {
    same(await ask(need(tool, skip), gateway));
  });

  it.for([
    ["mlflow 2.8.1", "mlflow_gateway.py"],
    ["mlflow", "mlflow_deployments.py"],
  ] as const)("gives them to %s", async ([tool, script], { skip }) => {
    const { chat } = await askMlflow(need(tool, skip), script, gateway);
    expect(toldByMlflow(chat)).toEqual(want.unary);
  });

  it("gives them to pages of another origin", async ({ skip }) => {
    await using pages = await openPages(need("Chromium", skip));
    await using tab = await pages.tab();
    await tab.page.goto(pages.origin);
    for (const way of ["connect", "grpcWeb", "google"] as const) same(await tab.ask(way, gateway.url));
  });
});

async function stream(baseUrl: string, model: string, key: string): Promise<Streamed> {
  const response = await fetch(`${baseUrl}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify({ model, ...question, stream: true, stream_options: { include_usage: true } }),
  });
  expect(response.status).toBe(200);
  return streamedOf(await response.text());
}
