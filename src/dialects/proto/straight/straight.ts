import { isUtf8 } from "node:buffer";
import type { DescMessage } from "@bufbuild/protobuf";
import { isObject, type JsonObject } from "../../../core/json.ts";
import { binaryIn } from "./binary-in.ts";
import { binaryOut } from "./binary-out.ts";
import { jsonIn } from "./json-in.ts";
import { jsonOut } from "./json-out.ts";
import { Reader, SIZED, UNSURE, Writer } from "./wire.ts";

/**
 * A request's bytes to the common shape, the same as by way of a message; `undefined`: they are not plain. What is not plain -
 * an unknown field, a number as a text, members in `extra` that have a field - the message itself and its rules must judge.
 */
export type ReadRequest = (binary: boolean, bytes: Buffer) => JsonObject | undefined;

/** Compiles the reading of one type of message. Its rules are not asked. */
export function requestReader(desc: DescMessage): ReadRequest {
  const fromBinary = binaryIn(desc);
  const fromJson = jsonIn(desc);
  return (binary, bytes) => {
    try {
      if (binary) return fromBinary(new Reader(bytes), bytes.length, 0);
      if (!isUtf8(bytes)) return undefined;
      const json: unknown = JSON.parse(bytes.toString("utf8"));
      return isObject(json) ? fromJson(json) : undefined;
    } catch {
      return undefined;
    }
  };
}

/**
 * A reply in the common shape to a message's bytes, the same as by way of a message; `undefined`: it is not plain.
 *
 * @param served The gateway's own member, as the common shape has it.
 */
export interface WriteReply {
  /** The wire's bytes, after `ahead` bytes that are left to the caller. */
  binary(json: JsonObject, served: JsonObject | undefined, ahead: number): Buffer | undefined;
  /** A text of JSON. */
  json(json: JsonObject, served: JsonObject | undefined): string | undefined;
}

const writer = new Writer();

/** Compiles the writing of one type of message. */
export function replyWriter(desc: DescMessage): WriteReply {
  const own = desc.fields.find(({ name }) => name === "served");
  const binary = binaryOut(desc, true);
  const json = jsonOut(desc, true);
  const binaryServed = own && binaryOut(own.message!);
  const jsonServed = own && jsonOut(own.message!);
  return {
    binary(reply, served, ahead) {
      try {
        writer.clear();
        if (served !== undefined) {
          binaryServed!(writer, served);
          writer.sized(0);
          writer.varint(own!.number * 8 + SIZED);
        }
        binary(writer, reply);
        return writer.take(ahead);
      } catch (thrown) {
        return unsure(thrown);
      }
    },
    json(reply, served) {
      try {
        const out = json(reply);
        if (served !== undefined) out["served"] = jsonServed!(served);
        return JSON.stringify(out);
      } catch (thrown) {
        return unsure(thrown);
      }
    },
  };
}

function unsure(thrown: unknown): undefined {
  if (thrown !== UNSURE) throw thrown;
  return undefined;
}
