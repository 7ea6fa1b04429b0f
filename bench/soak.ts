import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ask, CASES, type Case } from "./cases.ts";
import { writeConfig } from "./config.ts";
import { attach, type Inspector } from "./inspector.ts";
import { load } from "./load.ts";
import { PREFACE } from "./load-h2.ts";
import { memoryOf } from "./measure.ts";
import { type Question, questions } from "./questions.ts";
import { startGateway, startUpstream } from "./subjects.ts";

/**
 * Whether memory stays: the gateway answers every kind of call for some minutes, whole and refused and broken off at any moment,
 * and tells each minute what outlives a full collection.
 *
 * `node bench/soak.ts [--minutes 10] [--pause 20] [--entry FILE] [--markdown]`; `--pause`: milliseconds between two bursts of
 * calls. Without an entry, src is compiled first. Ends with 1 when the heap grew.
 */

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    pause: { type: "string", default: "20" },
    entry: { type: "string" },
    markdown: { type: "boolean", default: false },
  },
});
const MINUTE_MS = 60_000;
/** What a caller waits before it goes, milliseconds at most: up to there a stream is under way. */
const MOST_PATIENCE_MS = 60;
const BURST = 40;
/** By how much the heap of the last minutes may be over that of the second: measuring is not exact to the byte. */
const MAY_GROW = 1.05;

/** What callers break off, over connections of their own. */
const BROKEN: readonly Question[] = ["small", "large", "sse", "burst", "mlflow", "connect", "grpc", "grpcStream"];
const GARBAGE = [
  Buffer.from("garbage\r\n\r\n"),
  Buffer.from("POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"),
  Buffer.concat([PREFACE, Buffer.from("garbage that is no frame")]),
];

/** One line of the result. */
interface Sample {
  readonly minute: number;
  readonly calls: number;
  readonly broken: number;
  readonly residentMb: number;
  readonly heapMb: number;
  readonly outsideMb: number;
  readonly handles: number;
  readonly files: number;
}

const HEADS = ["minute", "calls", "broken off", "resident MB", "heap MB", "buffers MB", "handles", "files"];

const folder = mkdtempSync(join(tmpdir(), "polygate-soak-"));
try {
  const samples = await soak(Number(values.minutes), Number(values.pause));
  process.stdout.write(`${values.markdown ? markdown(samples) : plain(samples)}\n`);
  process.exitCode = verdict(samples);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function soak(minutes: number, pauseMs: number): Promise<readonly Sample[]> {
  const entry = values.entry === undefined ? built() : resolve(values.entry);
  const upstream = await startUpstream(0);
  const config = writeConfig(entry, folder, `http://127.0.0.1:${upstream.port}`);
  const gateway = await startGateway(entry, config.path, folder, ["--inspect=127.0.0.1:0"]);
  const inspector = await attach(gateway.inspector());
  const pid = gateway.pids()[0]!;
  const cases = CASES.filter(({ needs }) => needs === undefined || config.features.has(needs));
  const counts = { calls: 0, broken: 0 };
  const samples: Sample[] = [];
  const sample = async (minute: number) => {
    samples.push({ minute, ...counts, residentMb: memoryOf([pid]), ...(await heap(inspector)), files: filesOf(pid) });
    process.stderr.write(`${JSON.stringify(samples.at(-1))}\n`);
  };
  try {
    const began = performance.now();
    const end = began + minutes * MINUTE_MS;
    let next = began + MINUTE_MS;
    for (let turn = 0; performance.now() < end; turn++) {
      counts.calls += await whole(cases[turn % cases.length]!, gateway.port);
      counts.broken += await broken(turn, gateway.port);
      await pause(pauseMs);
      if (performance.now() < next) continue;
      await sample(samples.length + 1);
      next += MINUTE_MS;
    }
    // Longer than an idle connection to a provider is kept.
    await pause(8_000);
    await sample(samples.length + 1);
    return samples;
  } finally {
    inspector.close();
    await gateway.stop();
    await upstream.stop();
  }
}

/** A burst of calls that are answered, or refused, to the end. */
async function whole(one: Case, port: number): Promise<number> {
  const { job } = ask(one, true, "chat", 1);
  // A stream takes most of a second, over and over.
  const count = one.base === "sse" ? 4 : BURST;
  // The first of them is within the limit.
  const status = one.id === "over-limit" ? 0 : job.status;
  const { answers } = await load({ ...job, port, count, status });
  return answers;
}

/** Callers that go before they are answered, at any moment and in any way, and some that never spoke HTTP. */
async function broken(turn: number, port: number): Promise<number> {
  const asked = questions("chat");
  const callers = BROKEN.map((name, index) => {
    const bytes = asked[name];
    const all = name.startsWith("grpc") ? Buffer.concat([PREFACE, onStream(bytes)]) : bytes;
    const part = (turn + index) % 3 === 0 ? all.subarray(0, Math.ceil(all.length * chance(turn + index))) : all;
    return vanish(port, part, turn + index);
  });
  callers.push(...GARBAGE.map((bytes, index) => vanish(port, bytes, turn + index)));
  await Promise.all(callers);
  return callers.length;
}

async function vanish(port: number, bytes: Buffer, seed: number): Promise<void> {
  const socket: Socket = connect({ host: "127.0.0.1", port, noDelay: true });
  socket.on("error", () => {});
  socket.resume();
  const closed = new Promise((done) => socket.once("close", done));
  socket.write(bytes);
  await pause(chance(seed * 7) * MOST_PATIENCE_MS);
  if (seed % 2 === 0) socket.resetAndDestroy();
  else socket.destroy();
  await closed;
}

/** HEADERS and DATA of a question for the first stream of a connection, after empty settings. */
function onStream(request: Buffer): Buffer {
  const bytes = Buffer.from(request);
  bytes.writeUInt32BE(1, 5);
  bytes.writeUInt32BE(1, 9 + bytes.readUIntBE(0, 3) + 5);
  return Buffer.concat([Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]), bytes]);
}

/** A number from 0 to 1 for every number, the same in every run. */
function chance(seed: number): number {
  return ((Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 8) % 10_000) / 10_000;
}

/** After two full collections: the first finds what has to be finalized, the second lets go of it. */
async function heap(inspector: Inspector): Promise<Pick<Sample, "heapMb" | "outsideMb" | "handles">> {
  for (let i = 0; i < 2; i++) await inspector.call("HeapProfiler.collectGarbage");
  const expression = "({...process.memoryUsage(), handles: process.getActiveResourcesInfo().length})";
  const { result } = (await inspector.call("Runtime.evaluate", { expression, returnByValue: true })) as {
    result: { value: { heapUsed: number; external: number; handles: number } };
  };
  const { heapUsed, external, handles } = result.value;
  return { heapMb: heapUsed / 1e6, outsideMb: external / 1e6, handles };
}

function filesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** 1: the heap of the last minutes is over that of the second. */
function verdict(samples: readonly Sample[]): number {
  const early = samples[1] ?? samples[0]!;
  const last = samples.at(-1)!;
  const late = Math.min(...samples.slice(-3).map(({ heapMb }) => heapMb));
  const grew = late > early.heapMb * MAY_GROW;
  const share = ((late / early.heapMb - 1) * 100).toFixed(1);
  process.stderr.write(
    `heap: ${early.heapMb.toFixed(1)} -> ${late.toFixed(1)} MB (${share} %); ${last.handles} handles\n`,
  );
  return grew ? 1 : 0;
}

function rowOf({ minute, calls, broken: gone, residentMb, heapMb, outsideMb, handles, files }: Sample): string[] {
  const mb = [residentMb.toFixed(0), heapMb.toFixed(2), outsideMb.toFixed(2)];
  return [String(minute), calls.toLocaleString("en"), gone.toLocaleString("en"), ...mb, String(handles), String(files)];
}

function markdown(samples: readonly Sample[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(HEADS), line(HEADS.map(() => "---:")), ...samples.map((one) => line(rowOf(one)))].join("\n");
}

function plain(samples: readonly Sample[]): string {
  return [HEADS, ...samples.map(rowOf)].map((row) => row.map((cell) => cell.padStart(12)).join("")).join("\n");
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

function built(): string {
  const root = fileURLToPath(new URL("..", import.meta.url));
  execFileSync(process.execPath, [join(root, "scripts/build.ts")], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
  });
  return join(root, "dist/main.js");
}
