import { errors } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject, objectsIn } from "../../core/json.ts";

/**
 * The messages of a chat, each in a provider's words. Throws FIELD_INVALID when they are no list, or one of them is no object.
 *
 * @param say Gets the path of the message, such as `messages[2]`, and the message.
 */
export function eachMessage(
  messages: Json | undefined,
  say: (path: string, message: Readonly<JsonObject>) => JsonObject,
): JsonObject[] {
  if (!Array.isArray(messages)) throw errors.fieldInvalid([{ field: "messages", description: "must be a list" }]);
  return messages.map((message, at) => {
    const path = `messages[${at}]`;
    if (!isObject(message)) throw errors.fieldInvalid([{ field: path, description: "must be an object" }]);
    return say(path, message);
  });
}

/**
 * A message's content, each part in a provider's words; a text alone stays as it is.
 *
 * @param path Of the message.
 * @param say Gets the path of the part and the part; `undefined`: it is left out.
 */
export function eachPart(
  path: string,
  content: Json | undefined,
  say: (path: string, part: Readonly<JsonObject>) => JsonObject | undefined,
): Json | undefined {
  if (!Array.isArray(content)) return content ?? undefined;
  return objectsIn(content)
    .map((part, at) => say(`${path}.content[${at}]`, part))
    .filter((part) => part !== undefined);
}
