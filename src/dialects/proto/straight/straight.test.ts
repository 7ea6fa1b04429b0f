import {
  create,
  type DescMessage,
  fromBinary,
  fromJsonString,
  type Message,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import { describe, expect, it } from "vitest";
import {
  ChatRequestSchema,
  ChatResponseSchema,
  StreamChatRequestSchema,
  StreamChatResponseSchema,
} from "../../../../gen/polygate/v1/chat_pb.js";
import {
  CompleteRequestSchema,
  CompleteResponseSchema,
  StreamCompleteResponseSchema,
} from "../../../../gen/polygate/v1/completions_pb.js";
import { EmbedRequestSchema, EmbedResponseSchema } from "../../../../gen/polygate/v1/embeddings_pb.js";
import { ServedSchema } from "../../../../gen/polygate/v1/types_pb.js";
import { dice, mutate, randomMessage } from "../../../../test/support/proto-samples.ts";
import type { JsonObject } from "../../../core/json.ts";
import { violationsOf } from "../check.ts";
import { codec } from "../codec.ts";
import { rulesOf } from "../rules.ts";
import { replyWriter, requestReader } from "./straight.ts";

const SEEDS = Array.from({ length: 300 }, (_, seed) => seed);
const REQUESTS: readonly DescMessage[] = [ChatRequestSchema, CompleteRequestSchema, EmbedRequestSchema];
const REPLIES: readonly DescMessage[] = [
  ChatResponseSchema,
  StreamChatResponseSchema,
  CompleteResponseSchema,
  StreamCompleteResponseSchema,
  EmbedResponseSchema,
];
const named = (descs: readonly DescMessage[]) => descs.map((desc) => [desc.name, desc] as const);
const SERVED = {
  route: "chat",
  provider: "openai",
  model: "m",
  target: "0",
  attempt: 1,
  request_id: "r",
  dropped: ["a"],
};

describe.each(named(REQUESTS))("%s", (_, desc) => {
  const mapped = codec(desc);
  const read = requestReader(desc);

  it("reads what is plain to what the message says, from both of its forms", () => {
    let plain = 0;
    for (const seed of SEEDS) {
      const message = randomMessage(desc, dice(seed));
      const want = mapped.toCommon(message);
      for (const [binary, bytes] of [
        [true, Buffer.from(toBinary(desc, message))],
        [false, Buffer.from(toJsonString(desc, message))],
        [false, Buffer.from(toJsonString(desc, message, { useProtoFieldName: true }))],
      ] as const) {
        const have = read(binary, bytes);
        if (have === undefined) continue;
        plain++;
        expect(have, `seed ${seed}`).toEqual(want);
      }
    }
    // Negative numbers and the like are left to the message.
    expect(plain).toBeGreaterThan(SEEDS.length);
  });

  it("never reads cut bytes, and reads changed ones as the message does", () => {
    for (const seed of SEEDS) {
      const roll = dice(seed);
      const bytes = Buffer.from(toBinary(desc, randomMessage(desc, roll)));
      if (bytes.length === 0) continue;
      bytes[Math.floor(roll() * bytes.length)] = Math.floor(roll() * 256);
      const cut = roll() < 0.3 ? bytes.subarray(0, Math.floor(roll() * bytes.length)) : bytes;
      const have = read(true, cut);
      if (have !== undefined) expect(have, `seed ${seed}`).toEqual(mapped.toCommon(fromBinary(desc, cut) as Message));
    }
  });

  it("reads odd JSON as the message does, or not at all", () => {
    for (const seed of SEEDS) {
      const roll = dice(seed);
      const text = JSON.stringify(
        mutate(JSON.parse(toJsonString(desc, randomMessage(desc, roll))) as JsonObject, roll),
      );
      const have = read(false, Buffer.from(text));
      if (have === undefined) continue;
      const message = fromJsonString(desc, text, { ignoreUnknownFields: true });
      expect(have, `seed ${seed}: ${text}`).toEqual(mapped.toCommon(message as Message));
    }
  });

  it("breaks a rule of JSON wherever the message breaks one of its own", () => {
    const validator = createValidator();
    const rules = rulesOf(desc);
    for (const seed of SEEDS) {
      const roll = dice(seed);
      const json = mutate(mapped.toCommon(randomMessage(desc, roll)), roll);
      const message = mapped.fromCommon(json) as Message;
      const have = read(true, Buffer.from(toBinary(desc, message)));
      if (have === undefined || violationsOf(rules, have).length > 0) continue;
      expect(validator.validate(desc, message).kind, `seed ${seed}: ${JSON.stringify(have)}`).toBe("valid");
    }
  });
});

describe.each(named(REPLIES))("%s", (_, desc) => {
  const mapped = codec(desc);
  const write = replyWriter(desc);
  const messageOf = (json: JsonObject) => {
    const message = mapped.fromCommon(json) as Message & { served?: unknown };
    message.served = create(ServedSchema, { ...SERVED, requestId: "r" });
    return message;
  };
  const hasServed = desc.fields.some(({ name }) => name === "served");

  it("writes what is plain as the message is written, in both of its forms", () => {
    let plain = 0;
    for (const seed of SEEDS) {
      const roll = dice(seed);
      const sample = mapped.toCommon(randomMessage(desc, roll));
      for (const json of [sample, mutate(sample, roll)]) {
        const want = hasServed ? messageOf(json) : mapped.fromCommon(json);
        const bytes = write.binary(json, hasServed ? SERVED : undefined, 5);
        const text = write.json(json, hasServed ? SERVED : undefined);
        if (bytes === undefined) continue;
        plain++;
        expect(fromBinary(desc, bytes.subarray(5)), `seed ${seed}: ${JSON.stringify(json)}`).toEqual(
          fromBinary(desc, toBinary(desc, want as Message)),
        );
        expect(JSON.parse(text!), `seed ${seed}`).toEqual(JSON.parse(toJsonString(desc, want as Message)));
      }
    }
    expect(plain).toBeGreaterThan(SEEDS.length / 2);
  });
});

it("reads the conversation within a question for a stream", () => {
  const chat = { model: "chat", messages: [{ role: 1, content: { case: "text" as const, value: "hi" } }] };
  const bytes = toBinary(StreamChatRequestSchema, create(StreamChatRequestSchema, { chat }));
  expect(requestReader(StreamChatRequestSchema)(true, Buffer.from(bytes))).toEqual({
    chat: { model: "chat", messages: [{ role: "system", content: "hi" }] },
  });
});
