import {
  type OpenAICompatibleSettings,
  OpenAICompatibleSettingsSchema,
} from "../../../gen/providers/openai_compatible/v1/settings_pb.js";
import type { Generation } from "../../core/call.ts";
import type { Provider, SettingsProblem, Upstream } from "../../core/provider.ts";
import { words } from "../../core/words.ts";
import { isHeaderText, isHttpBase } from "../../dialects/openai/base.ts";
import { compatibleBody } from "../../dialects/openai/compatible.ts";
import { openAIFault } from "../../dialects/openai/fault.ts";
import { openAIUsage } from "../../dialects/openai/usage.ts";
import { PRESETS, type Preset } from "./presets.ts";

const PATHS: Record<Generation, string> = {
  chat: "/chat/completions",
  completions: "/completions",
  embeddings: "/embeddings",
};

/** A server that nothing is known of but that it speaks OpenAI's API. */
const ANY: Preset = {
  kind: "openai-compatible",
  title: "Any other server that speaks OpenAI's API",
  base: "",
  key: undefined,
  operations: ["chat", "completions", "embeddings"],
  reasoning: true,
  docs: "https://platform.openai.com/docs/api-reference",
};

/** `openai-compatible`: the address is the config's, and everything goes through as it came. */
export const provider: Provider<OpenAICompatibleSettings> = compatible(ANY);

/** A provider for each row of the table, by its kind. */
export const presets: Readonly<Record<string, Provider<OpenAICompatibleSettings>>> = Object.fromEntries(
  PRESETS.map((preset) => [preset.kind, compatible(preset)]),
);

function compatible(preset: Preset): Provider<OpenAICompatibleSettings> {
  return {
    kind: preset.kind,
    settings: OpenAICompatibleSettingsSchema,
    check: (settings) => check(preset, settings),
    open: (settings) => open(preset, settings),
  };
}

function open(preset: Preset, settings: OpenAICompatibleSettings): Upstream {
  const base = new URL(baseOf(preset, settings));
  const prefix = base.pathname.replace(/\/+$/, "");
  const headers = ["content-type", "application/json", "accept-encoding", "identity"];
  if (settings.apiKey !== "") headers.push("authorization", `Bearer ${settings.apiKey}`);
  for (const [name, value] of Object.entries(settings.headers)) headers.push(name.toLowerCase(), value);
  const secrets = [settings.apiKey];
  return {
    origin: base.origin,
    speaks: Object.fromEntries(preset.operations.map((op) => [op, "openai"])),
    encode: (call, body, model) => ({
      path: prefix + PATHS[call.plan.op as Generation],
      headers,
      body: compatibleBody(call, body, model, preset),
    }),
    usage: openAIUsage,
    fault: (status, replyHeaders, body) => openAIFault(preset.kind, status, replyHeaders, body, secrets),
  };
}

function check(preset: Preset, settings: OpenAICompatibleSettings): readonly SettingsProblem[] {
  const problems: SettingsProblem[] = [];
  const base = baseOf(preset, settings);
  if (base === "")
    problems.push({
      path: "base_url",
      message: "is needed; set where the server answers, such as http://localhost:8080/v1",
    });
  else if (!isHttpBase(base)) {
    const path = settings.baseUrl === "" ? "api_base" : "base_url";
    problems.push({ path, message: "must be an http or https address such as http://localhost:8080/v1" });
  }
  // At another address stands another server, which may want no key.
  if (preset.key !== undefined && settings.apiKey === "" && base === preset.base) {
    problems.push({ path: "api_key", message: `is needed for ${preset.title}; set it to $${preset.key}` });
  }
  if (!isHeaderText(settings.apiKey)) {
    problems.push({
      path: "api_key",
      message: "has a character that no HTTP header can carry; check that it was copied whole",
    });
  }
  for (const [name, value] of Object.entries(settings.headers)) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || !isHeaderText(value)) {
      problems.push({ path: `headers[${JSON.stringify(name)}]`, message: "is not a header that HTTP can carry" });
    } else if (OURS.has(name.toLowerCase())) {
      problems.push({ path: `headers[${JSON.stringify(name)}]`, message: "is the gateway's own; remove it" });
    }
  }
  return problems;
}

/** Headers that say how a request is framed, or carry the key. */
const OURS = new Set(
  words(`
    accept-encoding authorization connection content-length content-type expect host te trailer transfer-encoding
    upgrade
  `),
);

function baseOf(preset: Preset, settings: OpenAICompatibleSettings): string {
  return settings.baseUrl || settings.apiBase || preset.base;
}
