import { header } from "../core/arrival.ts";
import { GatewayError } from "../core/errors.ts";
import type { Inbound } from "../core/protocol.ts";
import type { Cors } from "../core/site.ts";

/** What scripts of another origin may read of an answer: gRPC-web's and Connect's statuses, and our own headers. */
const EXPOSED = [
  "grpc-status",
  "grpc-message",
  "grpc-status-details-bin",
  "x-request-id",
  // The same, where Anthropic's SDKs look for it.
  "request-id",
  "retry-after",
  "x-ratelimit-limit",
  "x-ratelimit-remaining",
  "x-ratelimit-reset",
  "x-polygate-served",
  "x-polygate-dropped",
  "x-polygate-converted",
  "x-polygate-defaulted",
  "x-polygate-upstream-request-id",
  "deprecation",
  "sunset",
].join(", ");

/**
 * Why a browser's request may not be done: a page of another site sent it, or asks whether it may, and is none of those that may.
 * A browser sends simple requests without asking, and only keeps the answer from the page; a call would be made, and paid, all
 * the same.
 * @see https://www.w3.org/TR/fetch-metadata/
 */
export function foreign({ headers, method }: Inbound, cors: Cors): GatewayError | undefined {
  const sends = method === "POST" && header(headers, "sec-fetch-site") === "cross-site";
  const asks = method === "OPTIONS" && header(headers, "access-control-request-method") !== undefined;
  if (!sends && !asks) return undefined;
  const origin = header(headers, "origin");
  if (cors.origins.includes("*") || (origin !== undefined && cors.origins.includes(origin))) return undefined;
  const why = "Pages of other sites may not call; list their origin under listen.cors.allowed_origins.";
  return new GatewayError(why, { reason: "CALLER_FORBIDDEN" });
}

/**
 * Answers a browser's preflight, or adds what lets the page read the answer. True: it was a preflight and is answered.
 * An origin that is not allowed gets no CORS header, which is how a browser is told no.
 * @see https://fetch.spec.whatwg.org/#http-cors-protocol
 */
export function allowOrigin(inbound: Inbound, cors: Cors): boolean {
  const origin = header(inbound.headers, "origin");
  if (origin === undefined || cors.origins.length === 0) return false;
  inbound.always.push("vary", "origin");
  const any = cors.origins.includes("*");
  if (!any && !cors.origins.includes(origin)) return false;
  inbound.always.push("access-control-allow-origin", any ? "*" : origin, "access-control-expose-headers", EXPOSED);
  const wanted = header(inbound.headers, "access-control-request-method");
  if (inbound.method !== "OPTIONS" || wanted === undefined) return false;
  const headers = ["access-control-allow-methods", "GET, POST", "access-control-max-age", String(cors.maxAgeSeconds)];
  const asked = header(inbound.headers, "access-control-request-headers");
  // Names only, as asked: which of them mean something is for the endpoint to say.
  if (asked !== undefined && /^[\w\-, ]*$/.test(asked)) headers.push("access-control-allow-headers", asked);
  inbound.send(204, headers, "");
  return true;
}
