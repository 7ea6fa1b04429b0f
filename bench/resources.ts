import { ask, CASES } from "./cases.ts";
import type { Field } from "./field.ts";
import { load } from "./load.ts";
import { memoryOf, watchMemory } from "./measure.ts";
import { type Subject, startBare, startGateway } from "./subjects.ts";
import type { Row } from "./table.ts";

const COLD_GOAL_MS = 300;
const IDLE_GOAL_MB = 110;
const LOADED_GOAL_MB = 250;
const CONNECTIONS = 64;
/** What the load of the memory row is made of; each over 64 connections. */
const MIX = ["openai-1k", "openai-32k", "sse"];
/** From the first answer to when what the start needed is let go of. */
const SETTLE_MS = 1_000;

/** The rows of cold start and memory, over fresh processes in each round. */
export async function resources(field: Field, rounds: number, progress: (text: string) => void): Promise<Row[]> {
  const upstream = `http://127.0.0.1:${field.upstream.port}`;
  const starts: Record<string, () => Promise<Subject>> = {
    bare: () => startBare(upstream),
    gateway: () => startGateway(field.entry, field.config, field.folder),
  };
  const cold = new Map<string, number[]>([["bare", []]]);
  const idle = new Map<string, number[]>([["bare", []]]);
  const loaded = new Map<string, number[]>([["bare", []]]);
  for (let round = 1; round <= rounds; round++) {
    for (const [name, start] of Object.entries(starts)) {
      progress(`start and memory: round ${round} of ${rounds}, ${name}`);
      const one = await fresh(start);
      put(cold, name, one.coldMs);
      put(idle, name, one.idleMb);
      put(loaded, name, one.loadedMb);
    }
  }
  const row = { absolute: true } as const;
  return [
    { ...row, title: "cold start to first answer", unit: "ms", figures: cold, goal: COLD_GOAL_MS },
    { ...row, title: "memory, idle", unit: "MB", figures: idle, goal: IDLE_GOAL_MB },
    { ...row, title: `memory, ${CONNECTIONS} connections`, unit: "MB", figures: loaded, goal: LOADED_GOAL_MB },
  ];
}

async function fresh(start: () => Promise<Subject>) {
  const begun = performance.now();
  const subject = await start();
  try {
    const { port } = subject;
    const first = CASES.find(({ id }) => id === "openai-1k")!;
    await load({ ...ask(first, true, "chat", 1).job, port, connections: 1, count: 1 });
    const coldMs = performance.now() - begun;
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const pids = subject.pids();
    const idleMb = memoryOf(pids);
    const memory = watchMemory(pids);
    for (const id of MIX) {
      const one = CASES.find((other) => other.id === id)!;
      const { job } = ask(one, true, "chat", 1);
      await load({ ...job, port, connections: CONNECTIONS, count: Math.max(CONNECTIONS, job.count) });
    }
    return { coldMs, idleMb, loadedMb: memory.stop() };
  } finally {
    await subject.stop();
  }
}

function put(figures: Map<string, number[]>, name: string, value: number): void {
  const all = figures.get(name);
  if (all) all.push(value);
  else figures.set(name, [value]);
}
