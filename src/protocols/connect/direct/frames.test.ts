import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { expect, it } from "vitest";
import { envelope, onlyMessage } from "./frames.ts";

const message = Buffer.from("message");

it("puts a message into the envelope that Connect's own library makes", () => {
  for (const flags of [0, 1, 2, 0x80]) {
    expect(envelope(flags, message)).toEqual(Buffer.from(encodeEnvelope(flags, message)));
  }
  expect(envelope(0, Buffer.alloc(0))).toEqual(Buffer.from([0, 0, 0, 0, 0]));
});

it("finds the only message of a body, and whether it is packed", () => {
  expect(onlyMessage(envelope(0, message))).toEqual({ packed: false, bytes: message });
  expect(onlyMessage(envelope(1, message))).toEqual({ packed: true, bytes: message });
  expect(onlyMessage(envelope(0, Buffer.alloc(0)))?.bytes).toHaveLength(0);
});

it.each([
  ["nothing", Buffer.alloc(0)],
  ["less than a prefix", Buffer.from([0, 0, 0])],
  ["a message that is cut", envelope(0, message).subarray(0, 8)],
  ["two messages", Buffer.concat([envelope(0, message), envelope(0, message)])],
  ["a message and the begin of another", Buffer.concat([envelope(0, message), Buffer.from([0])])],
  ["the end of a stream", envelope(2, message)],
  ["trailers", envelope(0x80, message)],
])("leaves %s to others", (_, body) => {
  expect(onlyMessage(body)).toBeUndefined();
});
