import type { Operation } from "../../core/call.ts";
import { type JsonObject, objectIn } from "../../core/json.ts";
import { answersOf } from "./members.ts";

/**
 * A whole answer as MLflow 2.5-2.8 write it: `candidates` or `embeddings`, and `metadata`. What has no place there is left
 * out, but for a message's tool calls, on which MLflow fails.
 *
 * @param json In the common shape. Throws UPSTREAM_FAILED when it has no list of choices or vectors.
 */
export function legacyReply(op: Operation, json: Readonly<JsonObject>): JsonObject {
  const usage = objectIn(json["usage"]);
  const metadata: JsonObject = {
    input_tokens: usage["prompt_tokens"] ?? null,
    // OpenAI counts no output for embeddings, and MLflow says 0 where the provider counts at all.
    output_tokens:
      usage["completion_tokens"] ?? (op === "embeddings" && usage["total_tokens"] !== undefined ? 0 : null),
    total_tokens: usage["total_tokens"] ?? null,
    model: json["model"] ?? null,
    route_type: `llm/v1/${op}`,
  };
  if (op === "embeddings") {
    return { embeddings: answersOf(json, "data").map((one) => one["embedding"] ?? null), metadata };
  }
  const candidates = answersOf(json, "choices").map(op === "chat" ? chatCandidate : textCandidate);
  return { candidates, metadata };
}

function chatCandidate(choice: JsonObject): JsonObject {
  const { role = "assistant", content = null, tool_calls } = objectIn(choice["message"]);
  const message: JsonObject = { role, content };
  if (Array.isArray(tool_calls) && tool_calls.length > 0) message["tool_calls"] = tool_calls;
  return { message, metadata: { finish_reason: choice["finish_reason"] ?? null } };
}

/** Without a finish reason, MLflow writes an empty object here, and null in a chat. */
function textCandidate({ text, message, finish_reason }: JsonObject): JsonObject {
  const ended = finish_reason !== undefined && finish_reason !== null;
  // A chat model's answer, where that is who completes.
  const said = text ?? objectIn(message)["content"] ?? "";
  return { text: said, metadata: ended ? { finish_reason } : {} };
}
