import { errors, type GatewayError } from "../core/errors.ts";

/** A body stream of either HTTP version. */
export interface Readable {
  on(event: "data", listener: (chunk: Buffer) => void): unknown;
  on(event: "end" | "close" | "error" | "aborted", listener: () => void): unknown;
  resume(): unknown;
}

/** How much of a refused body is read and thrown away, so that the caller finishes sending and reads the refusal. */
export const DRAIN_BYTES = 8 * 1024 * 1024;

/**
 * Collects a body. `done` is called once. A body over the limit is refused as soon as that is known; what still comes is
 * thrown away, up to 8 MiB, after which `cut` is called.
 */
export function collect(
  stream: Readable,
  declared: string | undefined,
  limitBytes: number,
  done: (error: GatewayError | undefined, bytes: Buffer) => void,
  cut: () => void,
): void {
  let chunks: Buffer[] = [];
  let size = 0;
  let over = false;
  const refuse = () => {
    over = true;
    chunks = [];
    done(errors.bodyTooLarge(limitBytes), NOTHING);
  };
  if (declared !== undefined && Number(declared) > limitBytes) refuse();
  stream.on("data", (chunk) => {
    size += chunk.length;
    if (over) {
      if (size > limitBytes + DRAIN_BYTES) cut();
    } else if (size > limitBytes) refuse();
    else chunks.push(chunk);
  });
  stream.on("end", () => {
    if (over) return;
    over = true;
    done(undefined, chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
  });
  const gone = () => {
    if (over) return;
    over = true;
    done(errors.callerGone(), NOTHING);
  };
  stream.on("close", gone);
  stream.on("error", gone);
}

const NOTHING = Buffer.alloc(0);
