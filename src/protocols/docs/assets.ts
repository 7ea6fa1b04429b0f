import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { gzip } from "node:zlib";
import { header } from "../../core/arrival.ts";
import type { Inbound } from "../../core/protocol.ts";

/** A file kept in memory, with what is sent of it. */
export interface Asset {
  readonly headers: readonly string[];
  readonly etag: string;
  readonly bytes: Buffer;
  /** Made when somebody takes it; `undefined` until then. */
  zipped: Buffer | undefined;
}

/** Under this it is not worth the work. */
const MIN_ZIP_BYTES = 1024;

/** @param extra Further headers, flat name and value. */
export function assetOf(type: string, content: string | Buffer, extra: readonly string[] = []): Asset {
  const bytes = Buffer.from(content);
  const etag = `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`;
  const headers = [
    "content-type",
    type,
    "etag",
    etag,
    "cache-control",
    "no-cache",
    "x-content-type-options",
    "nosniff",
  ];
  return { headers: [...headers, ...extra, "vary", "accept-encoding"], etag, bytes, zipped: undefined };
}

/** A file of swagger-ui: put beside this module by the build, and in `node_modules` without one. `undefined`: neither. */
export function readAsset(name: string, type: string): Asset | undefined {
  const beside = new URL(name, import.meta.url);
  for (const find of [() => beside, () => createRequire(import.meta.url).resolve(`swagger-ui-dist/${name}`)]) {
    try {
      return assetOf(type, readFileSync(find()));
    } catch {
      // Not there; perhaps in the other place.
    }
  }
  return undefined;
}

/** Answers with the file, or with 304 to a caller who has it. */
export function sendAsset(inbound: Inbound, asset: Asset): void {
  if (header(inbound.headers, "if-none-match") === asset.etag) {
    inbound.open(304, asset.headers);
    inbound.close();
    return;
  }
  const zips = /(?:^|[\s,])gzip(?!\s*;\s*q=0(?:[\s,]|$))/.test(header(inbound.headers, "accept-encoding") ?? "");
  if (!zips || asset.bytes.length < MIN_ZIP_BYTES) inbound.send(200, asset.headers, asset.bytes);
  else if (asset.zipped) sendZipped(inbound, asset, asset.zipped);
  else {
    gzip(asset.bytes, (error, zipped) => {
      if (error) inbound.send(200, asset.headers, asset.bytes);
      else {
        asset.zipped = zipped;
        sendZipped(inbound, asset, zipped);
      }
    });
  }
}

function sendZipped(inbound: Inbound, asset: Asset, zipped: Buffer): void {
  inbound.send(200, [...asset.headers, "content-encoding", "gzip"], zipped);
}
