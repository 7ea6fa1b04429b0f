import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ask, CASES } from "./cases.ts";
import { writeConfig } from "./config.ts";
import { Garbage } from "./garbage.ts";
import { attach } from "./inspector.ts";
import { load } from "./load.ts";
import { cpuOf } from "./measure.ts";
import { type Costs, costs, type Profile } from "./samples.ts";
import { startGateway, startUpstream } from "./subjects.ts";

/**
 * Where the gateway's time goes in one case of the bench. It runs the sources, whose lines are those of the figures.
 *
 * `node bench/profile.ts CASE [--entry FILE] [--requests F] [--top N]`
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    entry: { type: "string", default: fileURLToPath(new URL("../src/main.ts", import.meta.url)) },
    requests: { type: "string", default: "6" },
    top: { type: "string", default: "25" },
  },
});
/** Runs before the one that is profiled: a function that is not compiled yet shows the compiler's time, not its own. */
const WARM = 3;
/** Each sample is a signal, which costs tens of microseconds itself. */
const INTERVAL_US = 1_000;
const one = CASES.find(({ id }) => id === positionals[0]);
const folder = mkdtempSync(join(tmpdir(), "polygate-profile-"));
try {
  if (one === undefined) throw new Error(`name one of: ${CASES.map(({ id }) => id).join(" ")}`);
  const entry = resolve(values.entry);
  const upstream = await startUpstream(0);
  const { path } = writeConfig(entry, folder, `http://127.0.0.1:${upstream.port}`);
  const gateway = await startGateway(entry, path, folder, ["--inspect=127.0.0.1:0", "--trace-gc"]);
  try {
    const scale = Number(values.requests);
    const { job, units } = ask(one, true, "chat", scale);
    // A limit of one call lets the first one through, whatever the others are to be answered.
    await load({ ...job, port: gateway.port, connections: 1, streams: 1, count: 1, status: 0 });
    for (let i = 0; i < WARM; i++) await load({ ...job, port: gateway.port });
    const garbage = new Garbage(folder);
    garbage.begin();
    const inspector = await attach(gateway.inspector());
    await inspector.call("Profiler.enable");
    await inspector.call("Profiler.setSamplingInterval", { interval: INTERVAL_US });
    await inspector.call("Profiler.start");
    const before = cpuOf(gateway.pids());
    await load({ ...job, port: gateway.port });
    const used = (cpuOf(gateway.pids()) - before) / units;
    const { profile } = (await inspector.call("Profiler.stop")) as { profile: Profile };
    inspector.close();
    print(costs(profile, used), used, Number(values.top));
    process.stdout.write(`\n${garbage.told(job.count)}\n`);
  } finally {
    await Promise.all([gateway.stop(), upstream.stop()]);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function print({ self, total, byFile }: Costs, used: number, top: number): void {
  const list = (title: string, all: readonly (readonly [string, number])[], most: number) => {
    const lines = all.slice(0, most).map(([name, us]) => `${us.toFixed(2).padStart(8)}  ${name}`);
    process.stdout.write(`\n${title}\n${lines.join("\n")}\n`);
  };
  process.stdout.write(`${one!.title}: ${used.toFixed(1)} us a ${one!.unit} of all threads, while it is profiled\n`);
  list("self, by function (us)", self, top);
  list("self, by file or module (us)", byFile, top);
  list("with all that it calls, the gateway's own functions (us)", total, top * 2);
}
