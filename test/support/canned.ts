/** What OpenAI's API would say, in OpenAI's bytes: the fixtures, and the answer a fake gives when no script says otherwise. */
import { readFileSync } from "node:fs";
import type { Exchange, Script } from "./fake-upstream.ts";

type Fixture =
  | "chat-request.json"
  | "chat.json"
  | "chat-tools.json"
  | "chat.sse"
  | "chat-tools.sse"
  | "completions.json"
  | "completions.sse"
  | "embeddings.json"
  | "embeddings-base64.json"
  | "error-401.json"
  | "error-429.json";

/** The fixture's bytes, as they stand in `test/support/fixtures`. */
export const fixture = (name: Fixture): Buffer => readFileSync(new URL(`fixtures/${name}`, import.meta.url));

/** The text that `chat.json` and `chat.sse` carry. */
export const CHAT_TEXT = "Blåbærgrød: naïve café, 東京 and 👩‍🚀 fly 🚀.";

/** A whole JSON answer with its true length. `body` is sent as it is if it is bytes. */
export function json(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Script {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  return {
    status,
    headers: { "content-type": "application/json", "content-length": bytes.length, ...headers },
    body: [bytes],
  };
}

/** A chunked event stream, one write for each event of `bytes` (its blank line included). */
export function sse(bytes: Buffer | string): Script {
  return { headers: { "content-type": "text/event-stream; charset=utf-8" }, body: events(bytes) };
}

/** The events of a stream, each with the blank line that ends it; what follows the last one is kept. */
export function events(bytes: Buffer | string): Buffer[] {
  const all = Buffer.from(bytes as string);
  const parts: Buffer[] = [];
  for (let from = 0; from < all.length; ) {
    const end = all.indexOf("\n\n", from);
    const to = end < 0 ? all.length : end + 2;
    parts.push(all.subarray(from, to));
    from = to;
  }
  return parts;
}

/** Answers by path and by `stream` and `encoding_format` of the body; 404 in OpenAI's form elsewhere. */
export function canned({ url, method, body }: Pick<Exchange, "url" | "method" | "body">): Script {
  const asked = method === "POST" ? (JSON.parse(body.toString("utf8")) as Record<string, unknown>) : {};
  const path = new URL(url, "http://fake").pathname;
  if (path.endsWith("/chat/completions"))
    return asked["stream"] ? sse(fixture("chat.sse")) : json(fixture("chat.json"));
  if (path.endsWith("/completions")) {
    return asked["stream"] ? sse(fixture("completions.sse")) : json(fixture("completions.json"));
  }
  if (path.endsWith("/embeddings")) {
    return json(fixture(asked["encoding_format"] === "base64" ? "embeddings-base64.json" : "embeddings.json"));
  }
  if (path.endsWith("/invocations")) return json(Buffer.from('{"predictions": [1.0]}'));
  return json(
    { error: { message: `Unknown path ${path}.`, type: "invalid_request_error", param: null, code: null } },
    404,
  );
}
