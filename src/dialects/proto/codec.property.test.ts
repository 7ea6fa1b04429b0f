import { type DescMessage, equals, fromBinary, toBinary, toJsonString } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ChatRequestSchema, ChatResponseSchema, StreamChatResponseSchema } from "../../../gen/polygate/v1/chat_pb.js";
import { CompleteRequestSchema, CompleteResponseSchema } from "../../../gen/polygate/v1/completions_pb.js";
import { EmbedRequestSchema, EmbedResponseSchema } from "../../../gen/polygate/v1/embeddings_pb.js";
import { dice, mutate, randomMessage } from "../../../test/support/proto-samples.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { codec } from "./codec.ts";

const REQUESTS: readonly DescMessage[] = [ChatRequestSchema, CompleteRequestSchema, EmbedRequestSchema];
const REPLIES: readonly DescMessage[] = [
  ChatResponseSchema,
  StreamChatResponseSchema,
  CompleteResponseSchema,
  EmbedResponseSchema,
];
const SEEDS = Array.from({ length: 60 }, (_, seed) => seed);

describe.each([...REQUESTS, ...REPLIES].map((desc) => [desc.name, desc] as const))("%s", (_, desc) => {
  const mapped = codec(desc);

  it("is the same after a way through JSON text and the wire", () => {
    for (const seed of SEEDS) {
      const message = randomMessage(desc, dice(seed));
      const read = mapped.fromCommon(JSON.parse(JSON.stringify(mapped.toCommon(message))) as JsonObject);
      const back = fromBinary(desc, toBinary(desc, read));
      expect(equals(desc, back, message), `seed ${seed}: ${JSON.stringify(mapped.toCommon(message))}`).toBe(true);
    }
  });

  it("never throws on odd values, and loses none that a Struct can hold", () => {
    for (const seed of SEEDS) {
      const roll = dice(seed);
      const json = mutate(mapped.toCommon(randomMessage(desc, roll)), roll);
      const message = mapped.fromCommon(json);
      expect(() => [toBinary(desc, message), toJsonString(desc, message)], JSON.stringify(json)).not.toThrow();
      expect(pruned(mapped.toCommon(message)), `seed ${seed}`).toEqual(pruned(json));
    }
  });
});

/** Without what JSON may say in two ways: null, empty lists and objects, zeroes, and a lone string for a list of it. */
function pruned(value: Json | undefined): Json | undefined {
  if (Array.isArray(value)) {
    if (value.length === 1 && typeof value[0] === "string") return pruned(value[0]);
    return value.length > 0 ? value.map((item) => pruned(item) ?? null) : undefined;
  }
  if (!isObject(value)) return value === null || value === 0 || value === "" || value === false ? undefined : value;
  const members = Object.entries(value)
    .map(([key, inner]) => [key, pruned(inner)] as const)
    .filter(([key, inner]) => inner !== undefined && key !== "object");
  return members.length > 0 ? Object.fromEntries(members) : undefined;
}
