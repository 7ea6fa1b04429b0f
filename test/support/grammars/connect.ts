/** Streams of `StreamChat` in Connect's JSON. @see https://connectrpc.com/docs/protocol */
import { type Heard, must, nothing } from "./told.ts";

type Json = Record<string, unknown>;

/** Throws `Ungrammatical`. Framed messages, the last of them with `served`; then the end of the stream, and nothing. */
export function connectStream(body: Buffer): Heard {
  const heard = nothing();
  let served = false;
  let over = false;
  for (let at = 0; at < body.length; ) {
    must(!over, "something follows the end of the stream");
    must(at + 5 <= body.length, "half a frame");
    const flags = body[at]!;
    const size = body.readUInt32BE(at + 1);
    must(at + 5 + size <= body.length, "a frame is cut");
    const json = JSON.parse(body.toString("utf8", at + 5, at + 5 + size)) as Json;
    at += 5 + size;
    if ((flags & 2) !== 0) {
      over = true;
      heard.failed = (json["error"] as Json | undefined)?.["message"] as string | undefined;
      continue;
    }
    must(!served, "a message follows the last one");
    served = json["served"] !== undefined;
    pieceOf(json, heard);
  }
  must(over, "the stream has no end");
  must(served || heard.failed !== undefined, "the last message does not say who served");
  return heard;
}

function pieceOf(json: Json, heard: Heard): void {
  const usage = json["usage"] as Json | undefined;
  if (usage) {
    heard.input = usage["promptTokens"] as number | undefined;
    heard.output = usage["completionTokens"] as number | undefined;
  }
  for (const choice of (json["choices"] ?? []) as Json[]) {
    const delta = (choice["delta"] ?? {}) as Json;
    heard.text += (delta["content"] as string | undefined) ?? "";
    heard.reasoning += (delta["reasoning"] as string | undefined) ?? "";
    for (const piece of (delta["toolCalls"] ?? []) as Json[]) {
      const index = (piece["index"] as number | undefined) ?? 0;
      const told = (piece["function"] ?? {}) as Json;
      if (heard.calls[index] === undefined) {
        must(
          index === heard.calls.length && typeof piece["id"] === "string",
          "a call begins without id, or out of order",
        );
        heard.calls.push({ id: piece["id"], name: told["name"] as string, arguments: "" });
      }
      heard.calls[index]!.arguments += (told["arguments"] as string | undefined) ?? "";
    }
    heard.finish = (choice["finishReason"] as string | undefined) ?? heard.finish;
  }
}
