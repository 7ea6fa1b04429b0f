import cluster from "node:cluster";
import { once } from "node:events";
import { parseArgs } from "node:util";
import { realTools } from "../src/gateway.ts";
import { loadStore } from "../src/registry.ts";
import { startGateway } from "../src/start.ts";
import { startCrew } from "../src/workers.ts";

/**
 * The gateway over several cores in each of the ways that Node has, to compare them: `threads` as it ships, `cluster`, whose
 * primary passes every connection on, and `processes` that share the port by SO_REUSEPORT as the threads do. Only threads count
 * limits together; that is left out here for the other two.
 *
 * `node bench/ways.ts --way threads|cluster|processes --workers N --config FILE` tells its port on stderr; its log is on stdout.
 */
const { values } = parseArgs({
  options: {
    way: { type: "string", default: "threads" },
    workers: { type: "string", default: "1" },
    config: { type: "string", default: "" },
    port: { type: "string", default: "0" },
  },
});
const configPath = values.config;
const count = Number(values.workers);

const ways: Readonly<Record<string, () => Promise<number>>> = {
  async threads() {
    if (count === 1) return (await startGateway({ configPath, port: 0 })).port;
    return (await startCrew({ configPath, port: 0 }, count)).ready.port;
  },
  async cluster() {
    if (cluster.isWorker) return alone(false);
    return Math.max(...(await Promise.all(Array.from({ length: count }, () => forked(values.port)))));
  },
  async processes() {
    if (cluster.isWorker) return alone(true);
    const port = await forked("0");
    await Promise.all(Array.from({ length: count - 1 }, () => forked(String(port))));
    return port;
  },
};
const way = ways[values.way];
if (way === undefined || configPath === "")
  throw new Error("usage: node bench/ways.ts --way WAY --workers N --config FILE");
const port = await way();
if (cluster.isWorker) process.send!(port);
else process.stderr.write(`${port}\n`);

/** A gateway that is the whole of its process. */
async function alone(reusePort: boolean): Promise<number> {
  const counters = (await loadStore("memory")).openCounters!(realTools.clock, 1_024);
  const crew = { source: () => configPath, known: [], counters, page: async () => "" };
  const options = { configPath, port: Number(values.port) };
  return (await startGateway(reusePort ? { ...options, crew } : options)).port;
}

async function forked(onPort: string): Promise<number> {
  cluster.setupPrimary({ args: ["--way", values.way, "--config", configPath, "--port", onPort] });
  const [said] = (await once(cluster.fork(), "message")) as [number];
  return said;
}
