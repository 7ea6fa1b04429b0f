/** A server of the Messages API: the provider's fixtures, by what is asked. */
import { isObject, type JsonObject } from "../../src/core/json.ts";
import { file } from "./anthropic.ts";
import { json, sse } from "./canned.ts";
import type { Exchange, Script } from "./fake-upstream.ts";

/** With tools it calls them, with thinking it thinks, with pictures it looks; `user_id` names another fixture, or an error's status. */
export function cannedAnthropic({ url, body }: Pick<Exchange, "url" | "body">): Script {
  const asked = JSON.parse(body.toString("utf8")) as JsonObject;
  const { pathname } = new URL(url, "http://fake");
  if (pathname === "/v1/messages/count_tokens") return json({ input_tokens: 14 });
  if (pathname === "/v1/complete") return json(file("complete.json"));
  if (pathname !== "/v1/messages") return json(file("error-404.json"), 404);
  const { metadata } = asked;
  const named = isObject(metadata) && typeof metadata["user_id"] === "string" ? metadata["user_id"] : "";
  const retry: Readonly<Record<string, string>> = { "request-id": "req_upstream", "retry-after": "7" };
  if (/^\d+$/.test(named)) return json(file(`error-${named}.json`), Number(named), retry);
  if (named === "broken") return sse(file("overloaded.sse"));
  const name = named === "" ? fixtureFor(asked) : named;
  return asked["stream"] === true ? sse(file(`${name}.sse`)) : json(file(`${name}.json`));
}

function fixtureFor(asked: JsonObject): string {
  if (asked["thinking"] !== undefined) return "chat-thinking";
  if (asked["tools"] !== undefined) return "chat-tools";
  return JSON.stringify(asked["messages"]).includes('"image"') ? "chat-image" : "chat";
}
