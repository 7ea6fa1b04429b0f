/** Ways to ask a gateway {@link question} whole and as a stream, each by a program that nobody here wrote. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI from "openai";
import type { Gateway } from "../support/gateway.ts";
import {
  type Both,
  type ChatChunk,
  joined,
  question,
  type Streamed,
  streamedOf,
  type Told,
  toldOf,
} from "./question.ts";
import { client, run } from "./tools.ts";

const ASKED = JSON.stringify(question);
const streaming = { stream: true, stream_options: { include_usage: true } } as const;

/** The request in the protos' JSON. */
export const protoQuestion = {
  ...question,
  model: "chat",
  messages: question.messages.map(({ role, content }) => ({ role: `ROLE_${role.toUpperCase()}`, text: content })),
};

/** OpenAI's SDK for Node, at any path that has OpenAI's API. */
export const openaiNode = ({ url }: Gateway, api = "/v1"): OpenAI =>
  new OpenAI({ baseURL: url + api, apiKey: "none", maxRetries: 0 });

/** Both ways through {@link openaiNode}. */
export async function askOpenaiNode(gateway: Gateway, api = "/v1"): Promise<Both> {
  const { completions } = openaiNode(gateway, api).chat;
  const request = { model: "chat", ...question, messages: [...question.messages] };
  const unary = toldOf(await completions.create(request));
  const chunks: ChatChunk[] = [];
  for await (const chunk of await completions.create({ ...request, ...streaming })) chunks.push(chunk as ChatChunk);
  return { unary, stream: joined(chunks) };
}

/** OpenAI's SDK for Python, with its models, embeddings, completions, and the code of an unknown route's error. */
export async function askOpenaiPython(python: string, { url }: Gateway): Promise<Both & { readonly others: Others }> {
  return JSON.parse(await run(python, [client("openai_sdk.py"), url], { input: ASKED }));
}

interface Others {
  readonly models: readonly string[];
  readonly dimensions: readonly number[];
  readonly completion: string;
  readonly unknown: string | null;
}

/** grpcio with stubs that grpcio-tools makes from `proto/`, with health and what refused calls tell. */
export async function askGrpcio(python: string, { port }: Gateway): Promise<Both & Typed> {
  const stubs = await mkdtemp(join(tmpdir(), "polygate-stubs-"));
  try {
    const files = ["chat", "types", "embeddings"].map((name) => `proto/polygate/v1/${name}.proto`);
    const out = [`--python_out=${stubs}`, `--grpc_python_out=${stubs}`];
    const imported = ["proto/buf/validate/validate.proto", "proto/polygate/options/v1/options.proto"];
    await run(python, ["-m", "grpc_tools.protoc", "-Iproto", ...out, ...files, ...imported]);
    return JSON.parse(await run(python, [client("grpc_stubs.py"), `127.0.0.1:${port}`, stubs], { input: ASKED }));
  } finally {
    await rm(stubs, { recursive: true, force: true });
  }
}

interface Typed {
  readonly served: readonly { readonly route: string; readonly provider: string }[];
  readonly dimensions: readonly number[];
  readonly unknown: Refused;
  readonly invalid: Refused;
  readonly health: readonly string[];
}

interface Refused {
  readonly code: string;
  readonly message: string;
  readonly reason?: string;
  readonly fields?: readonly string[];
}

/** grpcurl without TLS: its stdout. It knows no proto but what reflection tells. */
export const grpcurl = (path: string, ...args: readonly string[]): Promise<string> =>
  run(path, ["-plaintext", "-connect-timeout", "60", "-max-time", "60", ...args]);

/** Both ways through {@link grpcurl}. */
export async function askGrpcurl(path: string, { port }: Gateway): Promise<Both> {
  const call = (request: unknown, method: string) =>
    grpcurl(path, "-d", JSON.stringify(request), `127.0.0.1:${port}`, `polygate.v1.ChatService/${method}`);
  const { pieces: _, ...unary } = toldByProto([JSON.parse(await call(protoQuestion, "Chat"))]);
  const printed = await call({ chat: protoQuestion }, "StreamChat");
  // It prints one indented object after the other.
  const stream = toldByProto(JSON.parse(`[${printed.trim().replaceAll("\n}\n{", "\n},\n{")}]`));
  return { unary, stream };
}

/** One POST of JSON by curl: the body that came. */
export const curl = (path: string, url: string, body: unknown, ...flags: readonly string[]): Promise<string> => {
  const sent = ["--header", "content-type: application/json", "--data-binary", "@-"];
  return run(path, ["--silent", "--show-error", "--no-buffer", ...flags, ...sent, url], {
    input: JSON.stringify(body),
  });
};

/** Both ways through {@link curl}, on OpenAI's path. */
export async function askCurl(path: string, { url }: Gateway, ...flags: readonly string[]): Promise<Both> {
  const request = { model: "chat", ...question };
  const ask = (body: unknown) => curl(path, `${url}/v1/chat/completions`, body, ...flags);
  return { unary: toldOf(JSON.parse(await ask(request))), stream: streamedOf(await ask({ ...request, ...streaming })) };
}

/** A script of `clients/` with {@link question} at its stdin: what it prints. MLflow's clients do not come back by themselves. */
export async function askScript<Printed>(
  python: string,
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Printed> {
  return JSON.parse(await run(python, [client(script), ...args], { input: ASKED, env: { ...QUIET, ...env } }));
}

const QUIET = {
  MLFLOW_HTTP_REQUEST_MAX_RETRIES: "0",
  MLFLOW_DISABLE_TELEMETRY: "true",
  GIT_PYTHON_REFRESH: "quiet",
};

/** One of MLflow's clients, by its script: what it read of the routes, and its answers as they came. It cannot stream. */
export const askMlflow = (python: string, script: MlflowScript, { url }: Gateway): Promise<MlflowAnswers> =>
  askScript(python, script, [url]);

/** The scripts of {@link askMlflow}: of 2.8.1, and of 2.9 and later. */
export type MlflowScript = "mlflow_gateway.py" | "mlflow_deployments.py";

/** What MLflow's clients read of the routes, and their answers. */
export interface MlflowAnswers {
  readonly routes: readonly { readonly name: string; readonly type: string; readonly url: string }[];
  readonly route: { readonly name: string; readonly provider: string; readonly model: string };
  readonly chat: Readonly<Record<string, unknown>>;
  readonly completions: Readonly<Record<string, unknown>>;
  readonly embeddings: Readonly<Record<string, unknown>>;
}

/** MLflow's chat answer in either of its forms: `candidates` until 2.8, `choices` from 2.9 on. */
export function toldByMlflow(answer: Readonly<Record<string, unknown>>): Told {
  if ("choices" in answer) return toldOf(answer);
  const { candidates, metadata } = answer as unknown as OldAnswer;
  const { input_tokens, output_tokens, total_tokens } = metadata;
  return {
    text: candidates[0]!.message.content,
    finish: candidates[0]!.metadata.finish_reason,
    usage: { prompt_tokens: input_tokens, completion_tokens: output_tokens, total_tokens },
  };
}

interface OldAnswer {
  readonly candidates: readonly {
    readonly message: { readonly content: string };
    readonly metadata: { readonly finish_reason: string };
  }[];
  readonly metadata: { readonly input_tokens: number; readonly output_tokens: number; readonly total_tokens: number };
}

/** Answers in the protos' JSON, which is camelCase with enum names: one, or a stream's pieces. */
export function toldByProto(parts: readonly ProtoAnswer[]): Streamed {
  const choices = parts.flatMap((part) => part.choices ?? []);
  const texts = choices.map(({ message, delta }) => message?.text ?? delta?.content ?? "").filter(Boolean);
  const finish = choices.findLast(({ finishReason }) => finishReason !== undefined)?.finishReason;
  const { promptTokens, completionTokens, totalTokens } = parts.at(-1)!.usage!;
  return {
    text: texts.join(""),
    finish: finish!.replace("FINISH_REASON_", "").toLowerCase(),
    usage: { prompt_tokens: promptTokens, completion_tokens: completionTokens, total_tokens: totalTokens },
    pieces: texts.length,
  };
}

interface ProtoAnswer {
  readonly choices?: readonly {
    readonly message?: { readonly text: string };
    readonly delta?: { readonly content?: string };
    readonly finishReason?: string;
  }[];
  readonly usage?: { readonly promptTokens: number; readonly completionTokens: number; readonly totalTokens: number };
}
