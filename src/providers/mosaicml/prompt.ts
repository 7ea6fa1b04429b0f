import type { Call } from "../../core/call.ts";
import { errors } from "../../core/errors.ts";
import { isObject, type Json } from "../../core/json.ts";
import { textOf } from "../../dialects/openai/media.ts";
import { only } from "../../dialects/openai/only.ts";

/**
 * A conversation as one prompt of Llama 2's, as MLflow writes it. Throws FIELD_INVALID for roles that it has no place for.
 * @see https://huggingface.co/blog/llama2#how-to-prompt-llama-2
 */
export function llamaPrompt(call: Call, messages: Json | undefined): string {
  if (!Array.isArray(messages)) throw errors.fieldInvalid([{ field: "messages", description: "must be a list" }]);
  let prompt = "<s>";
  let open = false;
  for (const [at, message] of messages.entries()) {
    const path = `messages[${at}]`;
    const { role, content, ...more } = isObject(message) ? message : {};
    only(call, path, more, []);
    if (Array.isArray(content)) {
      for (const [place, part] of content.entries()) {
        if (!isObject(part) || part["type"] !== "text") call.adjust("dropped", `${path}.content[${place}]`);
      }
    }
    const text = textOf(content);
    if (role === "assistant") {
      prompt += ` ${text} </s><s>`;
      open = false;
      continue;
    }
    if (role === "developer") call.adjust("converted", `${path}.role`);
    else if (role !== "user" && role !== "system") {
      const description = `must be system, user or assistant for this route's provider`;
      throw errors.fieldInvalid([{ field: `${path}.role`, description }]);
    }
    if (!open) prompt += "[INST]";
    open = role !== "user";
    prompt += role === "user" ? ` ${text} [/INST]` : ` <<SYS>> ${text} <</SYS>>`;
  }
  return prompt;
}
