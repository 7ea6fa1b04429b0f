import { promisify } from "node:util";
import { brotliCompress, brotliDecompress, constants, gunzip, gzip } from "node:zlib";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";

/** As fast as gzip at its default; brotli's own default takes 50 times as long. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };

/**
 * How messages may be packed, in the order of our liking.
 *
 * @param limitBytes Of a message after unpacking; asked for each, as a reload may change it. A larger one is refused with
 *   RESOURCE_EXHAUSTED after that many bytes, however small it was packed.
 */
export function compressions(limitBytes: () => number): Compression[] {
  return [
    compression("gzip", promisify(gzip), promisify(gunzip), limitBytes),
    compression("br", (bytes) => promisify(brotliCompress)(bytes, BROTLI), promisify(brotliDecompress), limitBytes),
  ];
}

type Unpack = (bytes: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>;

function compression(
  name: string,
  pack: (bytes: Uint8Array) => Promise<Buffer>,
  unpack: Unpack,
  limitBytes: () => number,
): Compression {
  return {
    name,
    compress: async (bytes) => plain(await pack(bytes)),
    async decompress(bytes, readMaxBytes) {
      if (bytes.length === 0) return new Uint8Array(0);
      const maxOutputLength = Math.min(limitBytes(), readMaxBytes);
      try {
        return plain(await unpack(bytes, { maxOutputLength }));
      } catch (cause) {
        throw (cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE"
          ? new ConnectError(`the message is larger than ${maxOutputLength} bytes`, Code.ResourceExhausted)
          : new ConnectError(`the message is not valid ${name}`, Code.InvalidArgument);
      }
    },
  };
}

/** The same bytes; zlib's are never shared memory, which `Buffer`'s type leaves open. */
function plain(bytes: Buffer): Uint8Array<ArrayBuffer> {
  return bytes as Buffer<ArrayBuffer>;
}
