/** A whole gateway with its store, in this process or as its own, and clients of its admin API. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { AuditService } from "../../gen/polygate/admin/v1/audit_pb.js";
import { KeyAdminService } from "../../gen/polygate/admin/v1/key_admin_pb.js";
import { RevisionAdminService } from "../../gen/polygate/admin/v1/revision_admin_pb.js";
import { RouteAdminService } from "../../gen/polygate/admin/v1/route_admin_pb.js";
import type { Log } from "../../src/observe/log.ts";
import { startGateway } from "../../src/start.ts";
import { startCrew } from "../../src/workers.ts";
import { silentLog } from "../support/log.ts";

export interface Admin {
  readonly routes: Client<typeof RouteAdminService>;
  readonly revisions: Client<typeof RevisionAdminService>;
  readonly keys: Client<typeof KeyAdminService>;
  readonly audit: Client<typeof AuditService>;
}

/** Clients over one transport. */
export function clientsOf(transport: Transport): Admin {
  return {
    routes: createClient(RouteAdminService, transport),
    revisions: createClient(RevisionAdminService, transport),
    keys: createClient(KeyAdminService, transport),
    audit: createClient(AuditService, transport),
  };
}

/** The ways to ask, by their names. */
export const WAYS: readonly (readonly [string, (baseUrl: string) => Transport])[] = [
  ["gRPC", (baseUrl) => createGrpcTransport({ baseUrl })],
  ["gRPC-web", (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" })],
  ["Connect", (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1" })],
];

export interface Running extends Admin, AsyncDisposable {
  readonly url: string;
  /** Of the operators' port, when the config asks for one. */
  readonly operators: string | undefined;
  readonly folder: string;
  readonly configPath: string;
  /** Ends it, and leaves its folder. */
  close(): Promise<void>;
}

export interface RunOptions {
  /** Threads that answer; default 1. */
  readonly workers?: number;
  /** Of one that ran before. */
  readonly folder?: string;
  readonly log?: Log;
  readonly random?: () => number;
  /** Default: any free one. */
  readonly port?: number;
}

/** Starts a gateway with this config in a folder of its own. */
export async function runAdmin(
  config: string,
  { workers = 1, folder, log = silentLog(), random, port: wanted = 0 }: RunOptions = {},
): Promise<Running> {
  const own = folder ?? (await mkdtemp(join(tmpdir(), "polygate-admin-")));
  const configPath = join(own, "config.yaml");
  await writeFile(configPath, config);
  const options = { configPath, port: wanted, log, random };
  const { port, admin, close } = await start(options, workers);
  const url = `http://127.0.0.1:${port}`;
  return {
    ...clientsOf(createConnectTransport({ baseUrl: url, httpVersion: "2" })),
    url,
    operators: admin && `http://${admin}`,
    folder: own,
    configPath,
    close,
    async [Symbol.asyncDispose]() {
      await close();
      if (folder === undefined) await rm(own, { recursive: true });
    },
  };
}

async function start(options: Parameters<typeof startGateway>[0], workers: number) {
  let closed: Promise<void> | undefined;
  if (workers === 1) {
    const gateway = await startGateway(options);
    return { port: gateway.port, admin: gateway.admin, close: () => (closed ??= gateway.close()) };
  }
  const { ready, admin, close } = await startCrew(options, workers);
  return { port: ready.port, admin, close: () => (closed ??= close()) };
}

/** A route of the simulator, which answers `reply`. */
export function simulated(name: string, reply: string) {
  const config = { reply };
  return { name, routeType: "llm/v1/chat", model: { provider: "simulator", name: "m", config } };
}

/** What a chat on the route is answered: its text, or the status when it was refused. */
export async function chat(url: string, model: string): Promise<string | number> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    // One connection would stay with one worker.
    headers: { "content-type": "application/json", connection: "close" },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "hi" }] }),
  });
  if (!response.ok) {
    await response.arrayBuffer();
    return response.status;
  }
  const json = (await response.json()) as { choices: { message: { content: string } }[] };
  return json.choices[0]!.message.content;
}
