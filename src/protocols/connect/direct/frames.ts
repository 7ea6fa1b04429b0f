/** Bytes before each message in its envelope: its flags, and its length in four. */
export const PREFIX_BYTES = 5;
/** Flag of a message that is packed. */
export const PACKED = 1;
/** Flag of the last envelope of a stream of Connect's, and of gRPC-web's trailers. */
export const LAST = { connect: 2, "grpc-web": 0x80 } as const;

/** A message in its envelope, as one buffer. */
export function envelope(flags: number, message: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  out[0] = flags;
  out.writeUInt32BE(message.length, 1);
  out.set(message, PREFIX_BYTES);
  return out;
}

/** Fills the bytes that were left before a message, so that they are its envelope. */
export function sealed(frame: Buffer): Buffer {
  frame[0] = 0;
  frame.writeUInt32BE(frame.length - PREFIX_BYTES, 1);
  return frame;
}

/** The bytes of the one message that a body holds; `undefined`: it holds none, more than one, a part of one, or flags of another kind. */
export function onlyMessage(body: Buffer): { readonly packed: boolean; readonly bytes: Buffer } | undefined {
  if (body.length < PREFIX_BYTES || body[0]! > PACKED) return undefined;
  if (body.readUInt32BE(1) !== body.length - PREFIX_BYTES) return undefined;
  return { packed: body[0] === PACKED, bytes: body.subarray(PREFIX_BYTES) };
}

/** The same bytes as a Buffer; a text as its UTF-8. */
export function bufferOf(bytes: Uint8Array | string): Buffer {
  if (typeof bytes === "string") return Buffer.from(bytes);
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
