import type { Json, JsonObject } from "../../core/json.ts";
import { present } from "../openai/make.ts";
import { configIn } from "./config-in.ts";
import { instructionOf, messagesOf } from "./contents-in.ts";
import { fields, textIn } from "./fields.ts";
import { choiceIn, ownDeclarations, toolsIn } from "./tools-in.ts";

const TIERS: Readonly<Record<string, string>> = { standard: "default", flex: "flex", priority: "priority" };

/**
 * A request of `generateContent` in the common shape. What only Google knows stays under its own name, for its own providers:
 * `safetySettings`, `cachedContent`, and parts of `generationConfig` and `toolConfig`.
 *
 * Throws FIELD_INVALID, with Google's names of the fields.
 *
 * @param stream The path says it.
 */
export function chatRequest(json: Readonly<JsonObject>, route: string, stream: boolean): JsonObject {
  const asked = fields(json);
  const { contents, systemInstruction, tools, toolConfig, generationConfig, serviceTier, model: _, ...rest } = asked;
  const system = instructionOf(systemInstruction);
  const messages = messagesOf(contents);
  const { choice, rest: config } = choiceIn(toolConfig);
  const tier = textIn(serviceTier)?.toLowerCase();
  return present({
    model: route,
    messages: system === undefined ? messages : [system, ...messages],
    tools: toolsIn(tools),
    functionDeclarations: ownDeclarations(tools),
    tool_choice: choice,
    ...configIn(generationConfig),
    toolConfig: Object.keys(config).length === 0 ? undefined : (config as Json),
    service_tier: tier === undefined ? undefined : (TIERS[tier] ?? tier),
    ...rest,
    // Google tells the usage of every stream.
    ...(stream && { stream, stream_options: { include_usage: true } }),
  });
}
