/** HTTP/2 frames as bytes, for what no client would send. https://www.rfc-editor.org/rfc/rfc9113#section-4.1 */

/** What a client says first, with settings of its own: `[identifier, value]`. */
export function preface(settings: readonly (readonly [number, number])[] = []): Buffer {
  const payload = Buffer.alloc(settings.length * 6);
  settings.forEach(([id, value], index) => {
    payload.writeUInt16BE(id, index * 6);
    payload.writeUInt32BE(value, index * 6 + 2);
  });
  return Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(TYPE.settings, 0, 0, payload)]);
}

export const TYPE = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
} as const;

export const END_STREAM = 1;
export const END_HEADERS = 4;

export function frame(type: number, flags: number, stream: number, payload: Buffer | string = ""): Buffer {
  const body = Buffer.from(payload as Buffer);
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
}

/** A header block without compression: every field literal and not indexed. */
export function block(fields: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(Object.entries(fields).flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

/** HEADERS of a request, whole. */
export function request(stream: number, flags: number, fields: Readonly<Record<string, string>> = {}): Buffer {
  const all = { ":method": "GET", ":scheme": "http", ":path": "/hello", ":authority": "x", ...fields };
  return frame(TYPE.headers, flags | END_HEADERS, stream, block(all));
}

export const reset = (stream: number, code = 8): Buffer => frame(TYPE.reset, 0, stream, uint32(code));
export const windowUpdate = (stream: number, by: number): Buffer => frame(TYPE.window, 0, stream, uint32(by));
export const ping = (): Buffer => frame(TYPE.ping, 0, 0, Buffer.alloc(8));

/** A frame as it was received. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** The whole frames of what a server sent, given as latin1. */
export function framesOf(received: string): Frame[] {
  const bytes = Buffer.from(received, "latin1");
  const frames: Frame[] = [];
  let at = 0;
  while (at + 9 <= bytes.length) {
    const length = bytes.readUIntBE(at, 3);
    if (at + 9 + length > bytes.length) break;
    frames.push({
      type: bytes[at + 3]!,
      flags: bytes[at + 4]!,
      stream: bytes.readUInt32BE(at + 5) & 0x7fffffff,
      payload: bytes.subarray(at + 9, at + 9 + length),
    });
    at += 9 + length;
  }
  return frames;
}

/** The error code of the first GOAWAY; `undefined`: there was none. */
export function goawayOf(received: string): number | undefined {
  return framesOf(received)
    .find(({ type }) => type === TYPE.goaway)
    ?.payload.readUInt32BE(4);
}

/** The error code of the stream's reset; `undefined`: there was none. */
export function resetOf(received: string, stream: number): number | undefined {
  return framesOf(received)
    .find((one) => one.type === TYPE.reset && one.stream === stream)
    ?.payload.readUInt32BE(0);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A string of HPACK, not Huffman coded. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value, "latin1");
  const length: number[] = [];
  let rest = bytes.length;
  if (rest < 127) length.push(rest);
  else {
    length.push(127);
    rest -= 127;
    for (; rest >= 128; rest >>= 7) length.push((rest & 127) | 128);
    length.push(rest);
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}
