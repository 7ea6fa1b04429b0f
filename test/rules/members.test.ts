import type { DescMessage } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { ChatRequestSchema } from "../../gen/polygate/v1/chat_pb.js";
import { CompleteRequestSchema } from "../../gen/polygate/v1/completions_pb.js";
import { EmbedRequestSchema } from "../../gen/polygate/v1/embeddings_pb.js";
import { MEMBERS } from "../../src/dialects/openai/members.ts";

/** A message's members in JSON: a choice between fields is one. */
function membersOf(message: DescMessage): string[] {
  return message.members.map(({ name }) => name).filter((name) => name !== "extra");
}

it.each([
  ["chat", ChatRequestSchema],
  ["completions", CompleteRequestSchema],
  ["embeddings", EmbedRequestSchema],
] as const)("the members of %s that translators know are those of the proto", (op, schema) => {
  const known = [...MEMBERS[op]].filter(
    (name) => name !== "stream" && !(op === "completions" && name === "stream_options"),
  );
  expect(known.sort()).toEqual(
    membersOf(schema)
      .filter((name) => name !== "stream_options" || op === "chat")
      .sort(),
  );
});
