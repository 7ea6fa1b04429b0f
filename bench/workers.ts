import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ask, CASES, type Case } from "./cases.ts";
import { writeConfig } from "./config.ts";
import { load } from "./load.ts";
import { cpuOf, memoryOf } from "./measure.ts";
import { type Subject, startUpstream, startWay } from "./subjects.ts";
import { median } from "./table.ts";

/**
 * Requests a second and CPU a request with one worker and with several, over HTTP/1.1 and h2c, in each of the ways that
 * `bench/ways.ts` has. The load and the upstream run on the same cores: what they take the gateway has not.
 *
 * `node bench/workers.ts --entry dist/main.js [--workers 1,2] [--rounds 3] [--count 6000]` prints a table as Markdown.
 */
const { values } = parseArgs({
  options: {
    workers: { type: "string", default: "1,2" },
    ways: { type: "string", default: "threads,processes,cluster" },
    rounds: { type: "string", default: "3" },
    count: { type: "string", default: "6000" },
    entry: { type: "string", default: fileURLToPath(new URL("../dist/main.js", import.meta.url)) },
  },
});
/** Connections enough that chance spreads them over the workers. */
const CONNECTIONS = 48;
const STREAMS = 2;
/** Calls before the first round, times those of a round: V8 compiles what is hot in steps, for each worker anew. */
const WARM = 3;

/** What a round measured. */
interface Figures {
  readonly perSecond: number[];
  readonly cpu: number[];
  memoryMb: number;
}

const folder = mkdtempSync(join(tmpdir(), "polygate-workers-"));
const upstream = await startUpstream(0);
try {
  const { path } = writeConfig(resolve(values.entry), folder, `http://127.0.0.1:${upstream.port}`);
  const lines = [
    `| way | workers | path | requests/s | us a request | memory MB |`,
    "| --- | ---: | --- | ---: | ---: | ---: |",
  ];
  for (const way of values.ways.split(",")) {
    for (const workers of values.workers.split(",")) lines.push(...(await measured(way, workers, path)));
  }
  process.stdout.write(`${availableParallelism()} cores\n\n${lines.join("\n")}\n`);
} finally {
  await upstream.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function measured(way: string, workers: string, config: string): Promise<string[]> {
  const subject = await startWay(way, workers, config, folder);
  const lines: string[] = [];
  try {
    for (const id of ["openai-1k", "grpc"]) {
      const one = CASES.find((other) => other.id === id)!;
      const { perSecond, cpu, memoryMb } = await rounds(subject, one);
      const [rate, micros] = [median(perSecond)!, median(cpu)!].map((figure) =>
        Math.round(figure).toLocaleString("en"),
      );
      const path = one.http2 ? "gRPC over h2c" : "REST over HTTP/1.1";
      lines.push(`| ${way} | ${workers} | ${path} | ${rate} | ${micros} | ${memoryMb.toFixed(0)} |`);
      process.stderr.write(`${lines.at(-1)}\n`);
    }
  } finally {
    await subject.stop();
  }
  return lines;
}

async function rounds(subject: Subject, one: Case): Promise<Figures> {
  const { job } = ask(one, true, "chat", 1);
  const count = Number(values.count);
  const shape = { connections: CONNECTIONS, streams: one.http2 ? STREAMS : 1, port: subject.port };
  const figures: Figures = { perSecond: [], cpu: [], memoryMb: 0 };
  await load({ ...job, ...shape, count: count * WARM });
  for (let round = 0; round < Number(values.rounds); round++) {
    const pids = subject.pids();
    const before = cpuOf(pids);
    const { answers, seconds } = await load({ ...job, ...shape, count });
    figures.cpu.push((cpuOf(pids) - before) / answers);
    figures.perSecond.push(answers / seconds);
    figures.memoryMb = memoryOf(pids);
  }
  return figures;
}
