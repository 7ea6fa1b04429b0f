/** One thread of several that answer on the same port. Started by `workers.ts`. */
import { parentPort, workerData } from "node:worker_threads";
import type { Stored } from "./core/stored.ts";
import { Echo, type Told } from "./follow/told.ts";
import { Ring } from "./keyring.ts";
import { drainNow } from "./observe/drain.ts";
import { loadStore } from "./registry.ts";
import { RemoteAdmin } from "./remote-admin.ts";
import { type Gateway, startGateway } from "./start.ts";
import type { Order, Report, WorkerStart } from "./thread.ts";

const parent = parentPort!;
const { options, text, known, port, table, told: first, stored: had, ring: keys } = workerData as WorkerStart;
const pages = new Map<number, (text: string) => void>();
const echoes = new Set<Echo>();
let source = text;
let told: Told | undefined = first;
let stored: Stored | undefined = had;
const ring = new Ring();
ring.replace(keys);
let nextPage = 1;

const tell = (report: Report) => parent.postMessage(report);
const admin = new RemoteAdmin((question) => tell({ kind: "admin", question }));

/** The same in every thread: `performance.now()` begins with its own. */
function systemNow(): () => number {
  const offset = Number(process.hrtime.bigint()) / 1e6 - performance.now();
  return () => performance.now() + offset;
}

/** What the main thread learns of MLflow's registry. */
function follow(): Echo | undefined {
  if (told === undefined) return undefined;
  const echo: Echo = new Echo(told, () => echoes.delete(echo));
  echoes.add(echo);
  return echo;
}

/** The page of all threads, asked of the main one. */
function page(): Promise<string> {
  const id = nextPage++;
  return new Promise((resolve) => {
    pages.set(id, resolve);
    tell({ kind: "page", id });
  });
}

async function obey(gateway: Gateway, order: Order): Promise<void> {
  switch (order.kind) {
    case "prepare":
      source = order.text;
      told = order.told;
      stored = order.stored;
      tell({ kind: "answer", id: order.id, value: await gateway.live.prepare() });
      return;
    case "told":
      told = order.told;
      await Promise.all([...echoes].map((echo) => echo.tell(order.told, order.moved)));
      tell({ kind: "answer", id: order.id, value: true });
      return;
    case "ring":
      ring.replace(order.ring);
      tell({ kind: "answer", id: order.id, value: true });
      return;
    case "admin":
      admin.take(order.answer);
      return;
    case "commit":
      gateway.live.commit();
      tell({ kind: "answer", id: order.id, value: true });
      return;
    case "abort":
      gateway.live.abort();
      return;
    case "snapshot":
      tell({ kind: "answer", id: order.id, value: await gateway.snapshot() });
      return;
    case "page":
      pages.get(order.id)?.(order.text);
      pages.delete(order.id);
      return;
    case "drain":
      await drainNow(gateway, () => {});
      parent.close();
  }
}

try {
  const store = await loadStore("shared");
  const gateway = await startGateway({
    ...options,
    port,
    crew: {
      source: () => ({ file: options.configPath, text: source }),
      known,
      counters: store.join!(table, { now: systemNow() }),
      follow,
      page,
      stored: () => stored,
      keys: ring,
      stageFailed: (failed) => tell({ kind: "stageFailed", failed }),
      admin,
    },
  });
  parent.on("message", (order: Order) => void obey(gateway, order));
  const { routes, admit } = gateway.live.site;
  const chat = routes.find((route) => route.op === "chat")?.name;
  const { host, secure } = gateway;
  tell({ kind: "ready", port: gateway.port, host, secure, chat, locked: admit !== undefined });
} catch (thrown) {
  const { code, port: tried, address } = thrown as { code?: string; port?: number; address?: string };
  tell({ kind: "failed", message: String(thrown), facts: { code, port: tried, address } });
}
