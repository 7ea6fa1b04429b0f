/** The whole gateway within the test's process: a config text in, a port out. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Gateway, startGateway } from "../../src/start.ts";
import { silentLog } from "../support/log.ts";

export interface Running extends AsyncDisposable {
  readonly url: string;
  readonly gateway: Gateway;
  readonly configPath: string;
  /** Replaces the config file and waits until the gateway has read it. True: it went live. */
  reload(text: string): Promise<boolean>;
}

/** @param random Uniform in [0, 1), in place of the system's chance. */
export async function runGateway(config: string, log = silentLog(), random?: () => number): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), "polygate-"));
  const configPath = join(folder, "config.yaml");
  await writeFile(configPath, config);
  const gateway = await startGateway({ configPath, port: 0, log, random });
  return {
    url: `http://127.0.0.1:${gateway.port}`,
    gateway,
    configPath,
    async reload(text) {
      await writeFile(configPath, text);
      return gateway.live.reload();
    },
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** A config with one chat route to an OpenAI-speaking upstream. */
export function chatConfig(upstream: string, extra = "", routeExtra = ""): string {
  return `
${extra}
routes:
  - name: chat
    route_type: llm/v1/chat
    model:
      provider: openai
      name: gpt-4o
      config:
        openai_api_key: sk-test
        base_url: ${upstream}/v1
${routeExtra}
`;
}
