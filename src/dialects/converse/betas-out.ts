import { header } from "../../core/arrival.ts";
import type { Call } from "../../core/call.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type { Taken } from "../openai/take.ts";

/**
 * Features of Anthropic's API that Bedrock has, by the names that callers give in the header `anthropic-beta`. It refuses a call
 * for any other.
 *
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html
 */
const KNOWN: ReadonlySet<string> = new Set([
  "computer-use-2024-10-22",
  "computer-use-2025-01-24",
  "computer-use-2025-11-24",
  "context-1m-2025-08-07",
  "context-management-2025-06-27",
  "dev-full-thinking-2025-05-14",
  "effort-2025-11-24",
  "interleaved-thinking-2025-05-14",
  "output-128k-2025-02-19",
  "token-efficient-tools-2025-02-19",
  "tool-examples-2025-10-29",
  "tool-search-tool-2025-10-19",
]);

/** What a caller of Anthropic's API asks of Claude by its header, as members of the model's; with what only goes with it. */
export function betasOut(call: Call, taken: Taken): JsonObject {
  const { dialect, headers } = call.arrival;
  const asked = dialect === "anthropic" ? header(headers, "anthropic-beta") : undefined;
  if (asked === undefined) return {};
  const betas = [...new Set(asked.split(",").map((one) => one.trim()))].filter((one) => KNOWN.has(one));
  if (betas.length === 0) return {};
  const fields: JsonObject = { anthropic_beta: betas as Json[] };
  const management = betas.includes("context-management-2025-06-27") ? taken.take("context_management") : undefined;
  if (management !== undefined) fields["context_management"] = management;
  return fields;
}
