import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, zstdDecompress } from "node:zlib";
import { header } from "./arrival.ts";
import { errors, GatewayError } from "./errors.ts";
import type { Inbound } from "./protocol.ts";

type Unpack = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const CODINGS: Readonly<Record<string, Unpack>> = {
  gzip: promisify(gunzip),
  "x-gzip": promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
  zstd: promisify(zstdDecompress),
};

/**
 * Collects a body as `Inbound.collect` does, and unpacks it when its `content-encoding` says so. The limit holds for both
 * forms: however much a small body would unpack to, no more than that is ever made of it.
 */
export function collectPlain(inbound: Inbound, limitBytes: number, done: Parameters<Inbound["collect"]>[1]): void {
  const coding = header(inbound.headers, "content-encoding")?.toLowerCase();
  if (coding === undefined || coding === "identity") {
    inbound.collect(limitBytes, done);
    return;
  }
  const unpack = Object.hasOwn(CODINGS, coding) ? CODINGS[coding] : undefined;
  if (unpack === undefined) {
    done(
      unsupported("The content-encoding is not known here; send gzip, deflate, br or zstd, or the body as it is."),
      NONE,
    );
    return;
  }
  inbound.collect(limitBytes, (error, bytes) => {
    if (error) {
      done(error, bytes);
      return;
    }
    let gone = false;
    // Named first: V8 keeps a literal that is assigned to a property until a full collection.
    const leave = () => {
      gone = true;
    };
    inbound.onGone = leave;
    unpack(bytes, { maxOutputLength: limitBytes }).then(
      (plain) => done(gone ? errors.callerGone() : undefined, gone ? NONE : plain),
      (cause: NodeJS.ErrnoException) => {
        const bomb = cause.code === "ERR_BUFFER_TOO_LARGE";
        done(
          bomb ? errors.bodyTooLarge(limitBytes) : errors.bodyMalformed(`The body is not valid ${coding}.`, cause),
          NONE,
        );
      },
    );
  });
}

/** Whether a content type is `application/json` or `application/*+json`, whatever its parameters. */
export function isJsonType(type: string): boolean {
  return type === "application/json" || /^application\/(?:[\w.!#$&^-]+\+)?json\s*(?:;|$)/i.test(type.trim());
}

/**
 * Why a body cannot be JSON by its content type; `undefined`: it can. Pages of any origin may send text and forms without
 * asking first, and a gateway that took them for JSON would do what those pages say.
 */
export function notJson({ headers }: Inbound): GatewayError | undefined {
  const type = header(headers, "content-type");
  if (type === undefined || isJsonType(type)) return undefined;
  return unsupported(`The content type ${JSON.stringify(type.slice(0, 80))} is not taken here; send application/json.`);
}

function unsupported(why: string): GatewayError {
  return new GatewayError(why, { reason: "BODY_MALFORMED", http: 415 });
}

const NONE = Buffer.alloc(0);
