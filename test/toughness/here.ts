/** The whole gateway within the test's process, over real sockets, with a log to read and gauges to look at. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Gateway, type StartOptions, startGateway } from "../../src/start.ts";
import { keptLog } from "../support/log.ts";

/** A running gateway. `await using` ends it. */
export interface Here extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly gateway: Gateway;
  /** All lines so far. */
  log(): string;
  /** Exchanges that began and are not over, by the gateway's own metrics. */
  underWay(): Promise<number>;
}

export async function startHere(config: string, options: Partial<StartOptions> = {}): Promise<Here> {
  const folder = await mkdtemp(join(tmpdir(), "polygate-"));
  const configPath = join(folder, "polygate.yaml");
  await writeFile(configPath, config);
  const { log, lines } = keptLog();
  const gateway = await startGateway({ configPath, port: 0, log, ...options });
  return {
    url: `http://127.0.0.1:${gateway.port}`,
    port: gateway.port,
    gateway,
    log: () => lines.join(""),
    async underWay() {
      const all = (await gateway.snapshot()) as readonly { name: string; values: readonly { value: number }[] }[];
      return all.find(({ name }) => name === "polygate_requests_in_flight")!.values[0]!.value;
    },
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
