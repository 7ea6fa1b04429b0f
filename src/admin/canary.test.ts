import { type DescField, type DescMessage, type Message, toJsonString } from "@bufbuild/protobuf";
import { beforeAll, describe, expect, it } from "vitest";
import { type AdminUnderTest, adminUnderTest, audit, made, revisions, routes } from "../../test/support/admin.ts";
import { POLICY_FIELDS } from "../config/policies.ts";
import { isSecret } from "../config/secrets.ts";
import { GatewayError } from "../core/errors.ts";
import { type Json, type JsonObject, textIn } from "../core/json.ts";
import type { Ledger } from "../core/ledger.ts";
import { kinds } from "../kinds.ts";
import { messageOf } from "./docs.ts";

const CANARY = "canary-7d1f";

/** Settings in which every secret, at any depth, is another canary, with some that the provider does not know. */
function planted(desc: DescMessage, at = desc.typeName): JsonObject {
  const doc: JsonObject = {
    [`${desc.name}_tokn`]: `${CANARY} misspelt ${at}`,
    nested: [{ deeper: `${CANARY} deep ${at}` }],
  };
  for (const field of desc.fields) {
    const value = plantedIn(field, `${at}.${field.name}`);
    if (value !== undefined) doc[field.name] = value;
  }
  return doc;
}

function plantedIn(field: DescField, at: string): Json | undefined {
  const inner = field.message?.typeName.startsWith("google.protobuf.") ? undefined : field.message;
  const one = isSecret(field) ? `${CANARY} ${at}` : inner && planted(inner, at);
  if (one === undefined) return undefined;
  if (field.fieldKind === "list") return [one];
  return field.fieldKind === "map" ? { key: one } : one;
}

async function dump(ledger: Ledger): Promise<string> {
  const all = { limit: 100_000 };
  const reads = await Promise.all([
    ledger.routes(),
    ledger.revisions(all),
    ledger.audit(all),
    ledger.keys(),
    ledger.notes().then((notes) => [...notes]),
  ]);
  return JSON.stringify(reads);
}

describe("a secret", () => {
  const said: string[] = [];
  /** Calls, and keeps what is answered: errors, too. */
  async function hear(desc: DescMessage, call: Promise<Message>): Promise<void> {
    try {
      said.push(toJsonString(desc, await call));
    } catch (thrown) {
      const { message, fault } = thrown as GatewayError;
      expect(thrown).toBeInstanceOf(GatewayError);
      said.push(message, JSON.stringify(fault));
    }
  }

  /** Every method, on a route. */
  async function askAll(admin: AdminUnderTest, doc: JsonObject): Promise<void> {
    const route = messageOf(doc);
    const name = textIn(doc["name"]);
    const other = messageOf(JSON.parse(JSON.stringify(doc).replaceAll(CANARY, `${CANARY} again`)) as JsonObject);
    await hear(routes.createRoute.output, admin.ask(routes.createRoute, { route }));
    await hear(routes.createRoute.output, admin.ask(routes.createRoute, { route }));
    await hear(routes.getRoute.output, admin.ask(routes.getRoute, { name }));
    await hear(routes.diffRoutes.output, admin.ask(routes.diffRoutes, { routes: [other], prune: true }));
    await hear(routes.updateRoute.output, admin.ask(routes.updateRoute, { route: other, validateOnly: true }));
    await hear(
      routes.updateRoute.output,
      admin.ask(routes.updateRoute, { route: other, updateMask: { paths: ["*"] } }),
    );
    await hear(routes.updateRoute.output, admin.ask(routes.updateRoute, { route, etag: "old" }));
    await hear(revisions.rollbackRevision.output, admin.ask(revisions.rollbackRevision, { number: 1n }));
    await hear(routes.deleteRoute.output, admin.ask(routes.deleteRoute, { name }));
  }

  beforeAll(async () => {
    for (const unchecked of [true, undefined]) {
      const admin = await adminUnderTest(unchecked ? { unchecked } : {});
      for (const provider of kinds.names()) {
        const config = planted((await kinds.provider(provider))!.settings);
        const policies = POLICY_FIELDS.route.map(async ({ field, kind }) => [
          field.name,
          planted((await kinds.policy!(kind))!.settings),
        ]);
        await askAll(admin, {
          name: provider,
          route_type: "llm/v1/chat",
          targets: [{ model: { provider, name: "m", config } }],
          mlflow: { token: `${CANARY} token`, password: `${CANARY} password` },
          ...(Object.fromEntries(await Promise.all(policies)) as JsonObject),
        });
        await askAll(admin, {
          name: `${provider}-2`,
          route_type: "llm/v1/chat",
          model: { provider, name: "m", config },
        });
      }
      // As if a provider were gone that once was there.
      const gone = { name: "gone", route_type: "llm/v1/chat", model: { provider: "gone", config: { key: CANARY } } };
      await askAll(admin, gone);
      if (unchecked) await made(admin, messageOf(gone));
      const all = { pageSize: 1000 };
      await hear(routes.listRoutes.output, admin.ask(routes.listRoutes, all));
      await hear(routes.listModels.output, admin.ask(routes.listModels, {}));
      await hear(revisions.listRevisions.output, admin.ask(revisions.listRevisions, all));
      await hear(revisions.diffRevisions.output, admin.ask(revisions.diffRevisions, {}));
      await hear(audit.listAuditEvents.output, admin.ask(audit.listAuditEvents, all));
      const { signal } = new AbortController();
      for await (const event of admin.watch(audit.exportAuditEvents, {}, signal))
        said.push(toJsonString(audit.exportAuditEvents.output, event));
      said.push(await dump(admin.ledger));
    }
  }, 120_000);

  it("of any provider, known or misspelt, is in no answer, error, revision, diff, audit event or dump", () => {
    expect(said.length).toBeGreaterThan(500);
    const found = said
      .filter((text) => text.includes(CANARY))
      .map((text) => text.slice(0, text.indexOf(CANARY) + 80).slice(-200));
    expect(found).toEqual([]);
  });

  it("was really there: it reads as its mask in answers, and is sealed in the dump", () => {
    expect(said.filter((text) => /"\*\*\*[0-9a-f]{8}"/.test(text)).length).toBeGreaterThan(100);
    expect(said.filter((text) => text.includes('"sealed:v1:')).length).toBe(2);
  });
});
