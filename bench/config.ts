import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Feature } from "./cases.ts";
import { CALLER_KEY } from "./questions.ts";

/** The config of the gateway that is measured: all that a production one has on. */
export interface GatewayConfig {
  readonly path: string;
  readonly features: ReadonlySet<Feature>;
}

/** Limits that are counted and never met. */
const LIMIT = "\n    limit: { calls: 1000000000, renewal_period: minute }";

/**
 * Writes a config with every feature that the gateway knows: each is tried by `check`, which knows best.
 *
 * @param entry The gateway's compiled `main.js`.
 * @param folder Where the file goes.
 * @param upstream Origin of the fake upstream.
 */
export function writeConfig(entry: string, folder: string, upstream: string): GatewayConfig {
  // A folder of its own: the gateway watches it, and its log is not what to watch.
  const path = join(folder, "config", "gateway.yaml");
  mkdirSync(join(folder, "config"));
  const features = new Set<Feature>();
  for (const feature of ["keys", "limits", "anthropic"] as const) {
    writeFileSync(path, yaml(new Set([...features, feature]), upstream));
    if (accepts(entry, path)) features.add(feature);
  }
  writeFileSync(path, yaml(features, upstream));
  if (!accepts(entry, path)) throw new Error(`the gateway refuses its config: node ${entry} check ${path}`);
  return { path, features };
}

/** The one place to change when a policy's words in the config file are others. */
function yaml(features: ReadonlySet<Feature>, upstream: string): string {
  const limit = features.has("limits") ? LIMIT : "";
  const openai = `{ provider: openai, name: bench-model, config: { openai_api_key: bench-upstream-key, base_url: "${upstream}/v1" } }`;
  const lines = [
    "listen: { host: 127.0.0.1, port: 0 }",
    ...(features.has("keys") ? ["auth:", "  keys:", `    - { name: bench, key: ${CALLER_KEY} }`] : []),
    "routes:",
    `  - name: chat\n    route_type: llm/v1/chat\n    model: ${openai}${limit}`,
  ];
  if (features.has("limits")) {
    const met = "\n    limit: { calls: 1, renewal_period: day }";
    lines.push(`  - name: limited\n    route_type: llm/v1/chat\n    model: ${openai}${met}`);
  }
  if (features.has("anthropic")) {
    const model = `{ provider: anthropic, name: bench-model, config: { anthropic_api_key: bench-upstream-key, base_url: "${upstream}" } }`;
    lines.push(`  - name: claude\n    route_type: llm/v1/chat\n    model: ${model}${limit}`);
  }
  return `${lines.join("\n")}\n`;
}

function accepts(entry: string, path: string): boolean {
  try {
    execFileSync(process.execPath, [entry, "check", path], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
