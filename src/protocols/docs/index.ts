import { header } from "../../core/arrival.ts";
import { GatewayError } from "../../core/errors.ts";
import type { Endpoint, Inbound, Mount, Protocol } from "../../core/protocol.ts";
import { errorHeaders, JSON_HEAD } from "../../core/rest.ts";
import type { Door } from "../../core/site.ts";
import { mlflowError, mlflowStatus } from "../../dialects/mlflow/fault.ts";
import { type Asset, assetOf, readAsset, sendAsset } from "./assets.ts";
import { describer } from "./describe.ts";
import { ICON, PAGE, START } from "./page.ts";

/**
 * The API's description and a page to try it on, both served by the gateway itself: nothing is loaded from elsewhere.
 * @see https://spec.openapis.org/oas/v3.1.1.html
 * @see https://github.com/swagger-api/swagger-ui
 */
export const protocol: Protocol = { kind: "docs", mounts };

/** The page runs its own scripts and talks to its own origin, and nobody frames it. Swagger-ui needs no more. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

function mounts(door: Door): readonly Mount[] {
  const describe = describer();
  const page = assetOf("text/html; charset=utf-8", PAGE, [
    "content-security-policy",
    POLICY,
    "referrer-policy",
    "no-referrer",
  ]);
  const icon = assetOf("image/svg+xml", ICON);
  const start = assetOf("text/javascript; charset=utf-8", START);
  const get = (path: string, handle: (inbound: Inbound) => void): Endpoint => ({
    method: "GET",
    path,
    permission: "open",
    handle,
  });
  const file = (name: string, type: string): Endpoint => {
    let asset: Asset | undefined;
    return get(`/docs/${name}`, (inbound) => {
      asset ??= readAsset(name, type);
      if (asset) sendAsset(inbound, asset);
      else
        refuse(
          inbound,
          new GatewayError("The page's files are not installed with this gateway.", { reason: "ROUTE_UNKNOWN" }),
        );
    });
  };
  const endpoints = [
    get("/", (inbound) => inbound.send(307, ["location", "/docs"], "")),
    get("/docs/", (inbound) => inbound.send(307, ["location", "/docs"], "")),
    get("/docs", (inbound) => sendAsset(inbound, page)),
    // MLflow's second page of the same, and its icon.
    get("/redoc", (inbound) => sendAsset(inbound, page)),
    get("/favicon.ico", (inbound) => sendAsset(inbound, icon)),
    get("/docs/start.js", (inbound) => sendAsset(inbound, start)),
    file("swagger-ui.css", "text/css; charset=utf-8"),
    file("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    get("/openapi.json", (inbound) => sendAsset(inbound, describe(door.site, header(inbound.headers, "user-agent")))),
  ];
  return [
    { prefix: "/docs", endpoints, refuse },
    { prefix: "/openapi.json", endpoints: [], refuse },
  ];
}

/** In FastAPI's words, as MLflow's paths around. */
function refuse(inbound: Inbound, error: GatewayError): void {
  inbound.error = error;
  const words = error.fault.allow === undefined ? "Not Found" : "Method Not Allowed";
  const told = error.fault.reason === "ROUTE_UNKNOWN" ? new GatewayError(words, error.fault) : error;
  inbound.send(mlflowStatus(told), [...JSON_HEAD, ...errorHeaders(told)], mlflowError(told));
}
