/** Captured exchanges of real MLflow gateways, asked again; the mock upstream is the one that answered then. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: unknown;
}
export interface Case {
  readonly name: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: unknown;
    readonly raw?: string;
  };
  readonly response: { readonly status: number; readonly headers: readonly unknown[]; readonly body: string };
  readonly upstream: readonly Sent[];
}

export function casesOf(version: string): readonly Case[] {
  const text = gunzipSync(readFileSync(here(`${version}.jsonl.gz`))).toString("utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Case);
}

/** Providers whose address MLflow had in its code, and what stands before their paths. */
const BASES: Readonly<Record<string, string>> = {
  anthropic: "/v1",
  cohere: "",
  ai21labs: "/studio/v1",
  mosaicml: "",
  palm: "/v1beta3",
  gemini: "/v1beta",
  bedrock: "",
  mistral: "/v1",
  togetherai: "/v1",
};

/** The config that MLflow ran with, with the mock in place of every provider. */
export function configOf(version: string, mock: string): string {
  const config = JSON.parse(readFileSync(here(`${version}.yaml`), "utf8").replaceAll("http://127.0.0.1:9100", mock));
  for (const { model } of config.endpoints ?? config.routes) {
    const base = BASES[model.provider as string];
    if (base !== undefined && !("mosaicml_api_base" in model.config)) model.config.base_url = mock + base;
  }
  return JSON.stringify(config);
}

/** The mock upstream in a process of its own; `undefined`: there is no Python here. */
export async function startMock() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  const child = spawn("python3", [here("mock_providers.py"), String(port)], { stdio: ["ignore", "pipe", "inherit"] });
  const [first] = await Promise.race([once(child.stdout, "data"), once(child, "error")]);
  if (first instanceof Error) return undefined;
  return { url: `http://127.0.0.1:${port}`, stop: () => child.kill() };
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** One request as it is said, nothing added to it. An answer that breaks off is told as far as it came. */
export function ask(
  url: string,
  { method, path, headers = {}, body, raw }: Case["request"],
  agent = "",
): Promise<Answer> {
  const send = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const told: Record<string, string> = { ...headers };
  const names = new Set(Object.keys(told).map((name) => name.toLowerCase()));
  if (send !== undefined && !names.has("content-type")) told["content-type"] = "application/json";
  if (agent !== "" && !names.has("user-agent")) told["user-agent"] = agent;
  if (send !== undefined) told["content-length"] = String(Buffer.byteLength(send));
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, path, headers: told, agent: false }, (response) => {
      let text = "";
      const done = () => resolve({ status: response.statusCode!, body: text });
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", done).on("error", done);
    });
    asked.on("error", reject);
    asked.end(send);
  });
}

/** Asks again and compares: what differs of status, body and the requests upstream. */
export async function differs(gateway: string, mock: string, one: Case, agent: string): Promise<readonly string[]> {
  const control = { method: "POST", path: "/__reset", body: {} };
  await ask(mock, control);
  const got = await ask(gateway, one.request, agent);
  const records = JSON.parse((await ask(mock, { method: "GET", path: "/__records" })).body) as Sent[];
  const want = one.response;
  const found: string[] = [];
  if (got.status !== want.status) found.push("status");
  const compared = want.headers.length === 0 && !/^(?:docs|redoc|openapi|favicon)$/.test(one.name);
  if (compared && text(parsed(got.body)) !== text(parsed(want.body))) found.push("body");
  if (text(records.map(sent)) !== text(one.upstream.map(sent))) found.push("upstream");
  return found;
}

/** What is new with every call. */
const NEW = new Set(["created", "id"]);
const KEYS = new Set(["x-api-key", "api-key", "x-goog-api-key", "authorization"]);

function sent({ method, url, headers, body }: Sent) {
  const { pathname, search } = new URL(url, "http://mock");
  const keys = headers
    .map(([name, value]) => [name.toLowerCase(), value.split(" Credential=")[0]] as const)
    .filter(([name]) => KEYS.has(name))
    .sort((a, b) => a.join().localeCompare(b.join()));
  return { method, path: pathname + search, keys, body };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    if (!/^data:/m.test(body)) return body;
    const lines = body.split("\n").filter((line) => line.trim() !== "" && line.trim() !== "data: [DONE]");
    return lines.map((line) => (line.startsWith("data:") ? parsed(line.slice(5).trim()) : line));
  }
}

/** The order of members means nothing. */
function text(value: unknown): string {
  return JSON.stringify(value, (key, one: unknown) => {
    if (NEW.has(key)) return "*";
    if (typeof one !== "object" || one === null || Array.isArray(one)) return one;
    return Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
