import { isUtf8 } from "node:buffer";
import type { DescMethod, Message } from "@bufbuild/protobuf";
import { createMethodSerializationLookup, type UniversalHandler } from "@connectrpc/connect/protocol";
import { errors } from "../../../core/errors.ts";
import { firstBadByte, mistakeIn, mistakeWords } from "../../../core/mistake.ts";
import type { Inbound } from "../../../core/protocol.ts";
import type { Adapting } from "../adapter.ts";
import type { Caller } from "../caller.ts";
import { timeoutOf } from "../headers.ts";
import { formOf } from "./form.ts";
import { packingOf } from "./packing.ts";
import { Rpc, type Served } from "./rpc.ts";

const LIMITS = { readMaxBytes: 0xffffffff, writeMaxBytes: 0xffffffff, compressMinBytes: 1024 };

/** Serves a request; false: it is not one for here, and nothing was done. */
export type Serve = (inbound: Inbound) => boolean;

/**
 * Serves a method that is asked with one message, without what makes Connect's handlers general: its pipes of async
 * iterables and its signals cost more than all else that the gateway does for a call. What is not plain - a GET, an unknown
 * content type or compression, a deadline that cannot be read, a body that is not one message - is theirs as before.
 *
 * @param implementation Of the method's service, as `ServiceImpl` has it.
 * @param otherwise Serves a call whose body turned out not to be plain.
 */
export function directly(
  { method }: Pick<UniversalHandler, "method">,
  implementation: object,
  adapting: Adapting,
  otherwise: (caller: Caller, body: Buffer) => void,
): Serve | undefined {
  const streams = method.methodKind === "server_streaming";
  const run = (implementation as Record<string, Served["run"] | undefined>)[method.localName];
  if (run === undefined || (method.methodKind !== "unary" && !streams)) return undefined;
  const { packers } = adapting;
  const served: Served = {
    method,
    run: run.bind(implementation),
    ...codecs(method, adapting),
    clock: adapting.clock,
    maxBytes: () => adapting.maxBytes(),
    bare: adapting.bare ?? false,
    json: adapting.json,
    shortcut: adapting.shortcuts?.get(method),
    otherwise,
  };
  return (inbound) => {
    const { headers } = inbound;
    const form = formOf(headers);
    if (form === undefined || (form.protocol === "grpc" && !inbound.http2)) return false;
    if (form.protocol === "connect" && form.enveloped !== streams) return false;
    const limitMs = timeoutOf(headers);
    if (limitMs === undefined && headers[form.timeout] !== undefined) return false;
    const packing = packingOf(headers, form, packers);
    if (packing === undefined) return false;
    inbound.protocol = form.protocol;
    new Rpc(served, inbound, form, packing, limitMs);
    return true;
  };
}

/** A message in JSON. What is no text or no JSON is refused in our words: the parser's own quote it, and it may be a prompt. */
function jsonOf(reader: { parse(bytes: Uint8Array): Message }, bytes: Uint8Array): Message {
  // What is no text would be read as other letters. Under 1 us at 32 KB.
  if (!isUtf8(bytes)) {
    const at = firstBadByte(Buffer.from(bytes));
    throw errors.bodyMalformed(`The message is not UTF-8: byte ${at} is no part of a character.`);
  }
  try {
    return reader.parse(bytes);
  } catch (thrown) {
    // A byte order mark, which is read past, is no mistake.
    const text = Buffer.from(
      Buffer.from(bytes)
        .toString("utf8")
        .replace(/^\uFEFF/, ""),
    );
    if (mistakeIn(text.toString("utf8")) === undefined) throw thrown;
    throw errors.bodyMalformed(`The message is not valid JSON: ${mistakeWords(text)}.`, thrown);
  }
}

function codecs(method: DescMethod, { json }: Adapting): Pick<Served, "parse" | "serialize"> {
  const lookup = createMethodSerializationLookup(method, undefined, json, LIMITS);
  const [jsonIn, binaryIn] = [lookup.getI(false), lookup.getI(true)];
  const [jsonOut, binaryOut] = [lookup.getO(false), lookup.getO(true)];
  return {
    parse: (binary, bytes) => (binary ? binaryIn.parse(bytes) : jsonOf(jsonIn, bytes)),
    serialize: (binary, message) => (binary ? binaryOut : jsonOut).serialize(message),
  };
}
