import type { Compression } from "@connectrpc/connect/protocol";
import { header } from "../../../core/arrival.ts";
import type { HeaderMap } from "../../../core/call.ts";
import type { Form } from "./form.ts";

/** A smaller message is not worth the work. */
export const MIN_PACKED_BYTES = 1024;

/** How one call's messages are packed; `undefined`: they are not. */
export interface Packing {
  readonly request: Compression | undefined;
  readonly reply: Compression | undefined;
}

const NONE: Packing = { request: undefined, reply: undefined };

/**
 * What the caller packs with and would take. Who does not say what it takes gets what it sent.
 * `undefined`: the request is packed in a way that is not known here.
 * @see https://github.com/grpc/grpc/blob/master/doc/compression.md
 */
export function packingOf(headers: HeaderMap, form: Form, known: readonly Compression[]): Packing | undefined {
  const sent = header(headers, form.encoding);
  const accepted = header(headers, form.accepts);
  if (sent === undefined && accepted === undefined) return NONE;
  const request = sent === undefined || sent === "identity" ? undefined : find(known, sent);
  if (request === undefined && sent !== undefined && sent !== "identity") return undefined;
  return { request, reply: accepted ? wanted(known, accepted) : request };
}

function wanted(known: readonly Compression[], accepted: string): Compression | undefined {
  if (accepted === "identity") return undefined;
  for (const name of accepted.split(",")) {
    const found = find(known, name.trim());
    if (found) return found;
  }
  return undefined;
}

function find(known: readonly Compression[], wanted: string): Compression | undefined {
  for (const one of known) if (one.name === wanted) return one;
  return undefined;
}
