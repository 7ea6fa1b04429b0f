/** Every endpoint of the gateway, asked by callers of every kind, over sockets. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { everyEndpoint, PERMISSIONS_DOCS, permissionsDocsText } from "../../scripts/docs-permissions.ts";
import type { Permission } from "../../src/core/principal.ts";
import type { Endpoint } from "../../src/core/protocol.ts";
import { type Running, runGateway } from "../lifecycle/gateway.ts";
import { ASKING, type Asking, WITHOUT_ROUTE } from "./requests.ts";

const READ: readonly Permission[] = ["listed", "routes.read", "keys.read", "audit.read", "metrics.read"];
const WRITE: readonly Permission[] = ["routes.write", "keys.write"];

/** A kind of caller: its scopes in the file, and what it may ask for. */
interface Role {
  readonly scopes?: string;
  readonly may: readonly Permission[];
}

const ROLES: Readonly<Record<string, Role>> = {
  caller: { may: ["inference", "listed"] },
  "caller of some routes": { scopes: "{ realm: inference, routes: [own-*] }", may: ["inference", "listed"] },
  "caller of no route that there is": { scopes: "{ realm: inference, routes: [none] }", may: ["inference", "listed"] },
  "admin who reads": {
    scopes: "{ realm: admin, operations: [routes.read, keys.read, audit.read, metrics.read] }",
    may: READ,
  },
  "admin who writes": { scopes: "{ realm: admin, operations: [routes.write, keys.write] }", may: WRITE },
  "admin of keys": { scopes: "{ realm: admin, operations: [keys.read] }", may: ["keys.read"] },
  "one who may do everything": {
    scopes: "{ realm: inference }, { realm: admin }",
    may: ["inference", ...READ, ...WRITE],
  },
};
const keyOf = (role: string) => `key-of-${role.replaceAll(" ", "-")}-0123456789`;
const TYPES = {
  chat: "llm/v1/chat",
  completions: "llm/v1/completions",
  embeddings: "llm/v1/embeddings",
  predictions: "mlflow/v1/predictions",
};
const OWNERS = ["own", "other"] as const;

const config = [
  "store: sqlite",
  "auth:",
  "  keys:",
  ...Object.entries(ROLES).map(
    ([role, { scopes }], n) => `  - { name: role-${n}, key: ${keyOf(role)}${scopes ? `, scopes: [${scopes}]` : ""} }`,
  ),
  "routes:",
  ...OWNERS.flatMap((owner) =>
    Object.entries(TYPES).map(
      ([op, type]) => `  - { name: ${owner}-${op}, route_type: ${type}, model: { provider: simulator } }`,
    ),
  ),
].join("\n");

const all = await everyEndpoint();
let running: Running;
beforeAll(async () => {
  running = await runGateway(`${config}\n`);
});
afterAll(() => running[Symbol.asyncDispose]());

async function ask(
  method: string,
  path: string,
  key: string | undefined,
  body: Buffer | string = "{}",
  type = "application/json",
) {
  const headers = { "content-type": type, ...(key !== undefined && { "x-api-key": key }) };
  const sent = method === "GET" || method === "HEAD" ? { method, headers } : { method, headers, body };
  const reply = await fetch(running.url + path, { ...sent, redirect: "manual" });
  // A watch that may be asked goes on.
  const watching = reply.status === 200 && /\/(?:Stream|Watch|Export)/.test(path);
  const text = watching && !type.includes("+") ? "" : await reply.text();
  return { status: reply.status, text };
}

/** What the gate makes of it: `open` once the caller is through, whatever the answer is then. */
async function gate({ method, path }: Endpoint, key: string | undefined): Promise<string> {
  const { status } = await ask(
    method,
    path.replace("{call}", "own-chat:generateContent").replaceAll(/\{\w+\}/g, "own-chat"),
    key,
  );
  return status === 401 ? "unknown" : status === 403 ? "forbidden" : "open";
}

const title = ([kind, { method, path, permission }]: (typeof all)[number]) =>
  `${method} ${path} of ${kind} (${permission})`;

describe.each(all.map((one) => [title(one), one[1]] as const))("%s", (_, endpoint) => {
  const { permission } = endpoint;

  it("lets through whom its permission says, and nobody else", async () => {
    const stranger = permission === "open" ? "open" : "unknown";
    const told: Record<string, string> = {};
    const want: Record<string, string> = { "no key": stranger, "a wrong key": stranger };
    told["no key"] = await gate(endpoint, undefined);
    told["a wrong key"] = await gate(endpoint, "a-key-that-nobody-knows");
    for (const [role, { may }] of Object.entries(ROLES)) {
      told[role] = await gate(endpoint, keyOf(role));
      want[role] = permission === "open" || may.includes(permission) ? "open" : "forbidden";
    }
    // It is asked of a route that is there, and which not every caller may call.
    if (permission === "inference")
      expect(told).toEqual({ ...want, "caller of no route that there is": expect.any(String) });
    else expect(told).toEqual(want);
  });
});

const calling = all.filter(([, { permission, path }]) => permission === "inference" && !WITHOUT_ROUTE.has(path));

it("every endpoint that calls a route has a request here", () => {
  expect(calling.map(([, { path }]) => path).filter((path) => !(path in ASKING))).toEqual([]);
  expect(Object.keys(ASKING).filter((path) => !calling.some(([, one]) => one.path === path))).toEqual([]);
});

const cases = [...new Set(calling.map(([, { path }]) => path))].flatMap((path) =>
  ASKING[path]!.map((asking) => [`${path} (${asking.op})`, path, asking] as const),
);

describe.each(cases)("a call of %s", (_, path, asking) => {
  it("is answered on the caller's routes, and refused on the others", async () => {
    const told: Record<string, string> = {};
    for (const role of ["caller", "caller of some routes", "caller of no route that there is", "admin who reads"])
      for (const owner of OWNERS)
        told[`${role}: ${owner}`] = await call(path, asking, `${owner}-${asking.op}`, keyOf(role));
    expect(told).toEqual({
      "caller: own": "answered",
      "caller: other": "answered",
      "caller of some routes: own": "answered",
      "caller of some routes: other": "refused",
      "caller of no route that there is: own": "refused",
      "caller of no route that there is: other": "refused",
      "admin who reads: own": "refused",
      "admin who reads: other": "refused",
    });
  });
});

async function call(path: string, { param, body, framed }: Asking, route: string, key: string): Promise<string> {
  const json = Buffer.from(JSON.stringify(body(route)));
  const sent = framed ? Buffer.concat([Buffer.from([0, 0, 0, 0, json.length]), json]) : json;
  const type = framed ? "application/connect+json" : "application/json";
  const { status, text } = await ask("POST", path.replace(/\{\w+\}/, param?.(route) ?? ""), key, sent, type);
  const refused = status === 403 || (framed === true && text.includes('"permission_denied"'));
  if (refused) return "refused";
  return status === 200 && !(framed && text.includes('"error"')) ? "answered" : `${status} ${text.slice(0, 300)}`;
}

describe("lists", () => {
  const names = (text: string) =>
    [...new Set(text.match(/(?:own|other)-(?:chat|completions|embeddings|predictions)\b/g))].sort();
  const every = OWNERS.flatMap((owner) => Object.keys(TYPES).map((op) => `${owner}-${op}`)).sort();
  // Google's API knows no predictions, MLflow's newest lists know no completions.
  const lists = all.filter(
    ([, { method, path, permission }]) =>
      method === "GET" && permission === "listed" && !path.includes("{") && !path.endsWith("/get"),
  );

  it.each(lists.map((one) => [title(one), one[1].path] as const))(
    "%s has the caller's routes alone",
    async (_, path) => {
      const of = async (role: string) => names((await ask("GET", path, keyOf(role))).text);
      const whole = await of("caller");
      expect(whole.length).toBeGreaterThan(0);
      expect(every).toEqual(expect.arrayContaining(whole));
      expect(await of("caller of some routes")).toEqual(whole.filter((name) => name.startsWith("own-")));
      expect(await of("caller of no route that there is")).toEqual([]);
      expect(await of("admin who reads")).toEqual(whole);
    },
  );

  it("say of a route that the caller may not use the same as of one that there is not", async () => {
    const key = keyOf("caller of some routes");
    const asked = all.filter(
      ([, { method, path, permission }]) => method === "GET" && permission === "listed" && path.includes("{"),
    );
    for (const [, { path }] of asked.filter(([, { path }]) => !path.includes("limits"))) {
      const of = async (name: string) => {
        const { status, text } = await ask("GET", path.replace(/\{\w+\}/, name), key);
        return [path, status, text.replaceAll(name, "it").replaceAll(/[\da-f]{8}-[\da-f-]{27}/g, "id")];
      };
      expect((await of("own-chat"))[1]).toBe(200);
      expect(await of("other-chat")).toEqual(await of("nothing"));
    }
  });
});

it("docs/permissions.md is what the endpoints say; `node scripts/docs-permissions.ts` makes it", async () => {
  expect(readFileSync(PERMISSIONS_DOCS, "utf8")).toBe(await permissionsDocsText());
});
