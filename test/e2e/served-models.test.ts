/** The gateway in front of models that `mlflow models serve` serves: of scikit-learn, and a ChatModel of pyfunc. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { answers, freePort } from "./servers.ts";
import { client, clientSuite, PATIENCE_MS, run } from "./tools.ts";

const MODELS = ["words", "scores", "echo"] as const;
type Model = (typeof MODELS)[number];

clientSuite("mlflow", "in front of models that MLflow serves", (python) => {
  let folder: string;
  let gateway: Gateway;
  const servers: ChildProcess[] = [];
  const urls = {} as Record<Model, string>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "polygate-served-"));
    // Its servers are programs beside its interpreter, found by their names.
    const path = [dirname(python), process.env["PATH"]].join(delimiter);
    const env = { PATH: path, MLFLOW_DISABLE_TELEMETRY: "true", MLFLOW_TRACKING_URI: `file:${folder}/runs` };
    await run(python, [client("served_models.py"), folder], { env });
    for (const model of MODELS) {
      const port = await freePort();
      urls[model] = `http://127.0.0.1:${port}`;
      const where = ["-m", join(folder, model), "-h", "127.0.0.1", "-p", String(port), "--workers", "1"];
      const words = ["-m", "mlflow", "models", "serve", ...where, "--env-manager", "local"];
      // A group of its own: what it starts ends with it.
      servers.push(
        spawn(python, words, { cwd: folder, env: { ...process.env, ...env }, stdio: "ignore", detached: true }),
      );
    }
    await Promise.all(MODELS.map((model, at) => answers(`${urls[model]}/ping`, servers[at]!)));
    gateway = await startGateway(configOf(urls));
  }, PATIENCE_MS);
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    for (const server of servers) {
      if (server.exitCode !== null || server.pid === undefined) continue;
      process.kill(-server.pid, "SIGKILL");
      await once(server, "close");
    }
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  const post = async (path: string, body: object, headers: Record<string, string> = {}) => {
    const url = path.startsWith("http") ? path : `${gateway.url}${path}`;
    const sent = {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    };
    const response = await fetch(url, sent);
    return { status: response.status, json: (await response.json()) as Record<string, unknown> };
  };
  const user = (content: string) => ({ role: "user", content });

  it("gives the vectors of a scikit-learn model as it gives them itself", async () => {
    const inputs = ["good friends", "see me"];
    const { json: own } = await post(`${urls.scores}/invocations`, { inputs });
    const vectors = own["predictions"] as number[][];
    expect(vectors.map((vector) => vector.length)).toEqual([2, 2]);
    const { status, json } = await post("/v1/embeddings", { model: "scores", input: inputs });
    expect(status).toBe(200);
    expect(json).toMatchObject({ model: "scores", data: vectors.map((embedding, index) => ({ index, embedding })) });
  });

  it("asks it for a word, as a completion and as a chat", async () => {
    const completed = await post("/v1/completions", { model: "words", prompt: "see you all", temperature: 0.2 });
    expect(completed).toMatchObject({ status: 200, json: { choices: [{ text: "farewell", finish_reason: "stop" }] } });
    const chatted = await post("/v1/chat/completions", { model: "word-chat", messages: [user("good friends")] });
    const message = { role: "assistant", content: "greeting" };
    expect(chatted).toMatchObject({ status: 200, json: { object: "chat.completion", choices: [{ message }] } });
  });

  it("answers MLflow's own callers in the form of their time", async () => {
    const agent = { "user-agent": "mlflow-python-client/2.8.1" };
    const old = await post("/gateway/words/invocations", { prompt: "goodbye", candidate_count: 1 }, agent);
    expect(old).toMatchObject({
      status: 200,
      json: { candidates: [{ text: "farewell" }], metadata: { model: "words" } },
    });
    const now = await post("/gateway/words/invocations", { prompt: "goodbye", n: 1 });
    expect(now).toMatchObject({ status: 200, json: { choices: [{ text: "farewell" }] } });
  });

  it("holds a conversation with a model of pyfunc that can", async () => {
    const messages = [{ role: "system", content: "Be brief." }, user("Grüße, 東京")];
    const { status, json } = await post("/v1/chat/completions", { model: "echo", messages, temperature: 0.5 });
    expect(status).toBe(200);
    expect(json).toMatchObject({
      choices: [
        { message: { role: "assistant", content: "2 messages, the last: Grüße, 東京" }, finish_reason: "stop" },
      ],
      usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 },
    });
  });

  it("says what it cannot do with one that cannot", async () => {
    const two = await post("/v1/chat/completions", { model: "word-chat", messages: [user("a"), user("b")] });
    expect(two).toMatchObject({ status: 400, json: { error: { param: "messages" } } });
    const stream = await post("/v1/chat/completions", { model: "echo", messages: [user("a")], stream: true });
    expect(stream.status).toBe(501);
  });

  it("says what a model answered that cannot be read, and what it must answer", async () => {
    const { status, json } = await post("/v1/completions", { model: "scores-as-texts", prompt: "hi" });
    expect(status).toBe(502);
    expect((json["error"] as { message: string }).message).toContain(
      'The served model scores answered {"predictions": [[a number, ...]]}, which cannot be read; it must answer',
    );
  });

  it("passes on what the server says of a request that the model does not take", async () => {
    const { status, json } = await post("/v1/chat/completions", { model: "echo-as-texts", messages: [user("a")] });
    expect(status).toBe(400);
    expect((json["error"] as { message: string }).message).toContain("Failed to enforce schema");
  });
});

function configOf(urls: Readonly<Record<Model, string>>): string {
  const route = (name: string, op: string, model: Model, more = "") => `
  - name: ${name}
    route_type: llm/v1/${op}
    model: { provider: mlflow-model-serving, name: ${model}, config: { model_server_url: "${urls[model]}"${more} } }`;
  return `routes:${[
    route("words", "completions", "words"),
    route("word-chat", "chat", "words"),
    route("scores", "embeddings", "scores"),
    route("scores-as-texts", "completions", "scores"),
    route("echo", "chat", "echo", ", model_server_api: openai"),
    route("echo-as-texts", "chat", "echo"),
  ].join("")}\n`;
}
