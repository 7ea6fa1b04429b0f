/** Streams of OpenAI's responses. @see https://platform.openai.com/docs/api-reference/responses-streaming */
import { framesOf, type Heard, must, nothing, parsed } from "./told.ts";

type Json = Record<string, unknown>;

interface Open {
  readonly item: Json;
  /** Of the part that is open. */
  part: Json | undefined;
  text: string;
  argued: string;
  done: boolean;
}

/** Throws `Ungrammatical`. What is added to is open; what was told in pieces is told whole, alike; the last event has it all. */
export function responsesStream(body: string): Heard {
  const heard = nothing();
  const items: Open[] = [];
  const frames = framesOf(body);
  let ended = "";
  for (const [at, { event, data }] of frames.entries()) {
    const json = parsed(data);
    const type = json["type"] as string;
    must(event === type, `the event ${event} has the type ${type}`);
    must(json["sequence_number"] === at, `sequence number ${String(json["sequence_number"])} at ${at}`);
    must(ended === "" || (ended === "error" && type === "response.failed"), `${type} follows ${ended}`);
    if (at < 2) must(type === ["response.created", "response.in_progress"][at], `a stream begins with ${type}`);
    else if (/^response\.(completed|incomplete|failed)$|^error$/.test(type)) {
      ended = type;
      if (type === "error") heard.failed = json["message"] as string;
      else finished(json["response"] as Json, items, heard);
    } else step(type, json, items);
  }
  must(ended.startsWith("response."), `the stream ends with ${ended || "nothing"}`);
  return heard;
}

function step(type: string, json: Json, items: Open[]): void {
  const at = json["output_index"] as number;
  if (type === "response.output_item.added") {
    must(at === items.length, `item ${at} is added after item ${items.length - 1}`);
    items.push({ item: json["item"] as Json, part: undefined, text: "", argued: "", done: false });
    return;
  }
  const open = items[at];
  must(open && !open.done, `${type} for an item that is not open`);
  if (type === "response.output_item.done") {
    must(open.part === undefined, "an item is done before its part is");
    must((json["item"] as Json)["id"] === open.item["id"], "an item is done under another id");
    open.done = true;
    Object.assign(open.item, json["item"]);
    return;
  }
  must(json["item_id"] === open.item["id"], `${type} names another item`);
  if (type.endsWith("_part.added")) {
    must(open.part === undefined, "a part is added within a part");
    open.part = json["part"] as Json;
    open.text = "";
  } else if (type.endsWith("_part.done")) {
    must(open.part !== undefined, "a part is done that was not added");
    const part = json["part"] as Json;
    must((part["text"] ?? part["refusal"]) === open.text, "a part is not what its pieces were");
    open.part = undefined;
  } else if (/arguments\.delta$|input\.delta$/.test(type)) open.argued += json["delta"] as string;
  else if (/arguments\.done$|input\.done$/.test(type))
    must((json["arguments"] ?? json["input"]) === open.argued, "arguments differ");
  else if (type.endsWith(".delta")) {
    must(open.part !== undefined, `${type} without a part`);
    open.text += json["delta"] as string;
  } else if (type.endsWith(".done"))
    must((json["text"] ?? json["refusal"]) === open.text, "a text is not what its pieces were");
  else must(type.endsWith("annotation.added"), `no event is called ${type}`);
}

function finished(response: Json, items: readonly Open[], heard: Heard): void {
  const output = response["output"] as Json[];
  if (response["status"] !== "failed") {
    must(
      items.every(({ done }) => done),
      "the response is done before its items are",
    );
    must(JSON.stringify(output) === JSON.stringify(items.map(({ item }) => item)), "the last event has other items");
  }
  const usage = response["usage"] as Json | null;
  heard.input = usage?.["input_tokens"] as number | undefined;
  heard.output = usage?.["output_tokens"] as number | undefined;
  heard.finish = response["status"] as string;
  for (const item of output) {
    for (const part of (item["content"] ?? []) as Json[]) heard.text += (part["text"] as string | undefined) ?? "";
    for (const part of (item["summary"] ?? []) as Json[]) heard.reasoning += part["text"] as string;
    if (item["type"] === "function_call") {
      heard.calls.push({
        id: item["call_id"] as string,
        name: item["name"] as string,
        arguments: item["arguments"] as string,
      });
    }
  }
}
