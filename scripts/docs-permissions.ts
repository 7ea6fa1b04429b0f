import { writeFileSync } from "node:fs";
import { ADMIN, ANYBODY, GUEST, grantOf, INFERENCE, NOBODY, principalOf } from "../src/core/grants.ts";
import { ADMIN_PERMISSIONS, type Grant, type Permission, type Principal } from "../src/core/principal.ts";
import type { Endpoint } from "../src/core/protocol.ts";
import type { Door } from "../src/core/site.ts";
import { adminMounts } from "../src/observe/admin.ts";
import { loadProtocols } from "../src/registry.ts";

/** Where the table is kept. */
export const PERMISSIONS_DOCS = new URL("../docs/permissions.md", import.meta.url);

const INTRO = `# Permissions

Made from what each endpoint of \`src/protocols\` and each method of \`proto\` says, by \`node scripts/docs-permissions.ts\`; do not
edit it. An endpoint that says nothing is not served: the gateway does not start. How keys get scopes is in [access.md](access.md).

- \`open\`: everybody, with or without a key.
- \`listed\`: whoever may call, or read, some route. The answer has the routes that this caller may call, or read, and no others.
- \`inference\`: whoever may call some route. Which operation on which route is asked once the request says it; a route that the
  caller may not use is refused with 403, which names it, as a model is by OpenAI. Only lists keep it to themselves.
- The others are operations of scopes with the realm \`admin\`. Of routes they hold for those that the scope names.
- A caller without a key, or with one that nobody knows, gets 401 in the words of the path; one that may not, 403.
`;

/** The kinds of callers of the second table. */
const CALLERS: readonly (readonly [what: string, who: Principal])[] = [
  ["no key, or a wrong one", NOBODY],
  ["a key without scopes", keyOf(INFERENCE)],
  ["`admin`: `routes.read`", keyOf(grantOf("admin", ["routes.read"], []))],
  ["`admin`: everything", keyOf(ADMIN)],
  ["no `auth`, on loopback", ANYBODY],
  ["`auth: none`, elsewhere", GUEST],
];

function keyOf(...grants: readonly Grant[]): Principal {
  return principalOf("key", "", grants);
}

/** Every endpoint of the main port of a gateway with a store, under the name of its protocol. */
export async function everyEndpoint(): Promise<readonly (readonly [kind: string, endpoint: Endpoint])[]> {
  const door = { clock: { now: () => 0 }, admin: {}, keeps: true } as unknown as Door;
  const protocols = await loadProtocols();
  const page = { text: async () => "", contentType: "" };
  const operators = adminMounts({ metrics: page, live: { stopping: false }, full: true, metricsFor: "metrics.read" });
  return [
    ...protocols.flatMap((one) => one.mounts(door).map((mount) => [one.kind, mount] as const)),
    ...operators.map((mount) => ["operators", mount] as const),
  ].flatMap(([kind, { endpoints }]) => endpoints.map((endpoint) => [kind, endpoint] as const));
}

/** The page as it should be. */
export async function permissionsDocsText(): Promise<string> {
  const permissions: readonly Permission[] = ["open", "listed", "inference", ...ADMIN_PERMISSIONS];
  const head = `| | ${CALLERS.map(([what]) => what).join(" | ")} |\n|---|${"---|".repeat(CALLERS.length)}\n`;
  const may = permissions.map(
    (one) => `| \`${one}\` | ${CALLERS.map(([, who]) => (who.mayAsk(one) ? "yes" : "")).join(" | ")} |\n`,
  );
  const rows = new Map<string, string>();
  for (const [kind, { method, path, permission }] of await everyEndpoint()) {
    if (method !== "HEAD") rows.set(`${method} ${path}`, `| \`${method} ${path}\` | ${kind} | \`${permission}\` |\n`);
  }
  const table = [...rows.keys()].sort().map((key) => rows.get(key)!);
  return [
    INTRO,
    "\n## Who may ask what\n\n",
    head,
    ...may,
    "\n## Endpoints\n\n",
    "Whoever may `GET` may ask with `HEAD`. The listener of `admin` has the admin services and the operators' paths alone, and\n",
    "`/metrics` is open there.\n\n| endpoint | protocol | asks for |\n|---|---|---|\n",
    ...table,
  ].join("");
}

if (import.meta.main) writeFileSync(PERMISSIONS_DOCS, await permissionsDocsText());
