import { expect, it } from "vitest";
import { exchange } from "../../test/support/exchange.ts";
import { errors, type GatewayError } from "../core/errors.ts";
import { ANYBODY, grantOf, INFERENCE, NOBODY, principalOf } from "../core/grants.ts";
import type { Permission } from "../core/principal.ts";
import type { Endpoint, Inbound, Mount } from "../core/protocol.ts";
import { Router } from "./router.ts";

const endpoint = (permission: Permission, path = "/x", over: Partial<Endpoint> = {}): Endpoint => ({
  method: "POST",
  path,
  permission,
  handle: (inbound) => inbound.send(200, [], permission),
  ...over,
});
const mount = (...endpoints: Endpoint[]): Mount => ({
  prefix: "",
  endpoints,
  refuse: (inbound, error) => inbound.send(error.http, [], error.message),
});

/** What is answered, and what was told of refusals. */
function route(router: Router, over: Partial<Inbound>) {
  const said: string[] = [];
  router.route(
    exchange({
      method: "POST",
      path: "/x",
      send: (status, _, body) => said.push(`${status} ${body.toString()}`),
      ...over,
    }),
  );
  return said;
}

it("does not begin with an endpoint that says nothing of its callers", () => {
  const { permission: _, ...silent } = endpoint("open");
  expect(() => new Router([mount(silent as Endpoint)])).toThrow("POST /x does not say what it asks of its callers");
  expect(() => new Router([mount(endpoint("everything" as Permission))])).toThrow("POST /x does not say");
  expect(() => new Router([mount(endpoint("open", "/x/{name}"))])).toThrow(
    "POST /x/{name} is open, and no single path",
  );
});

it("does not begin with a path that asks some for less than others", () => {
  const claims = () => true;
  const pair = (permission: Permission) => [
    mount(endpoint("inference")),
    mount(endpoint(permission, "/x", { claims })),
  ];
  expect(() => new Router(pair("open"))).toThrow("POST /x asks inference of some and open of others");
  expect(() => new Router(pair("inference"))).not.toThrow();
});

it("runs an endpoint for those who may ask it, whatever its path", () => {
  const router = new Router([mount(endpoint("routes.read"), endpoint("inference", "/y/{name}"))]);
  const caller = principalOf("ann", "", [INFERENCE]);
  expect(route(router, { principal: ANYBODY })).toEqual(["200 routes.read"]);
  expect(route(router, { principal: caller })).toEqual([
    '403 The key "ann" may not do this; it needs the permission routes.read.',
  ]);
  expect(route(router, { principal: caller, path: "/y/z" })).toEqual(["200 inference"]);
  expect(route(router, { principal: NOBODY, path: "/y/z" })).toEqual([
    "403 A caller without a key may not call models.",
  ]);
});

it("runs it for nobody who was not let in, when the port forgot to ask", () => {
  const router = new Router([mount(endpoint("listed"), endpoint("open", "/health"))]);
  expect(route(router, { principal: NOBODY })).toEqual([expect.stringMatching(/^403 /)]);
  expect(route(router, { principal: NOBODY, path: "/health" })).toEqual(["200 open"]);
});

it("holds what a mount finds for itself to the same", () => {
  const finds = (path: string) => (path === "/own" ? endpoint("inference", path) : undefined);
  const router = new Router([{ ...mount(), finds }]);
  expect(route(router, { path: "/own", principal: NOBODY })).toEqual([expect.stringMatching(/^403 /)]);
  expect(route(router, { path: "/own" })).toEqual(["200 inference"]);
});

it("tells of everybody who was refused, and what was asked for", () => {
  const told: string[] = [];
  const refused = ({ path }: Inbound, permission: Permission, { fault }: GatewayError) =>
    void told.push(`${path} ${permission} ${fault.reason}`);
  const router = new Router([mount(endpoint("keys.write"), endpoint("routes.read", "/y/{name}"))], refused);
  const reader = principalOf("r", "", [grantOf("admin", ["keys.read"], [])]);
  route(router, { principal: reader });
  for (const path of ["/x", "/y/z", "/nothing"])
    router.strange(exchange({ method: "POST", path }), errors.callerForbidden("Who are you?"));
  expect(told).toEqual([
    "/x keys.write CALLER_FORBIDDEN",
    "/x keys.write CALLER_FORBIDDEN",
    "/y/z routes.read CALLER_FORBIDDEN",
  ]);
});

it("gives the same endpoint, values and refusals for a path that was asked for before", () => {
  const named = (method: string, path: string) =>
    endpoint("inference", path, {
      method,
      handle: (inbound, params) => inbound.send(200, [], `${method} ${path} ${params.join(" ")}`),
    });
  const router = new Router([
    mount(named("POST", "/a/{name}/go"), named("GET", "/{one}/{two}/go"), named("DELETE", "/a/{name}/go")),
  ]);
  const ask = (method: string, path: string) => route(router, { principal: ANYBODY, method, path });
  for (let i = 0; i < 3; i++) {
    expect(ask("POST", "/a/x%20y/go")).toEqual(["200 POST /a/{name}/go x y"]);
    expect(ask("DELETE", "/a/x%20y/go")).toEqual(["200 DELETE /a/{name}/go x y"]);
    expect(ask("GET", "/a/x%20y/go")).toEqual(["200 GET /{one}/{two}/go a x y"]);
    expect(ask("PUT", "/a/x%20y/go")).toEqual(["405 /a/x%20y/go takes DELETE, GET, HEAD, POST, not PUT."]);
    expect(ask("POST", "/a/%zz/go")).toEqual(["404 Nothing is served at POST /a/%zz/go."]);
    expect(ask("POST", "/a//go")).toEqual(["404 Nothing is served at POST /a//go."]);
  }
  for (let i = 0; i < 2000; i++) expect(ask("POST", `/a/${i}/go`)).toEqual([`200 POST /a/{name}/go ${i}`]);
  expect(ask("POST", "/a/1/go")).toEqual(["200 POST /a/{name}/go 1"]);
});
