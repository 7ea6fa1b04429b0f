import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { AuditService } from "../../gen/polygate/admin/v1/audit_pb.js";
import { KeyAdminService } from "../../gen/polygate/admin/v1/key_admin_pb.js";
import { RevisionAdminService } from "../../gen/polygate/admin/v1/revision_admin_pb.js";
import { RouteAdminService } from "../../gen/polygate/admin/v1/route_admin_pb.js";
import { ChatService } from "../../gen/polygate/v1/chat_pb.js";
import { CompletionsService } from "../../gen/polygate/v1/completions_pb.js";
import { EmbeddingsService } from "../../gen/polygate/v1/embeddings_pb.js";
import { PredictionService } from "../../gen/polygate/v1/predictions_pb.js";
import { OPENAPI_FILE, openApiText } from "../../scripts/openapi.ts";
import type { Mount } from "../../src/core/protocol.ts";
import type { Door } from "../../src/core/site.ts";
import { adminMounts } from "../../src/observe/admin.ts";
import { createMetrics } from "../../src/observe/metrics.ts";
import { protocol as anthropic } from "../../src/protocols/anthropic/index.ts";
import { protocol as gemini } from "../../src/protocols/gemini/index.ts";
import { protocol as mlflow } from "../../src/protocols/mlflow/index.ts";
import { protocol as openai } from "../../src/protocols/openai/index.ts";
import { protocol as predict } from "../../src/protocols/predict/index.ts";
import { check, type Document, resolve } from "../support/json-schema.ts";

const text = readFileSync(OPENAPI_FILE, "utf8");
const document = JSON.parse(text) as Document;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

it("is what the protos and the REST table say; `node scripts/openapi.ts` makes it", { timeout: 60_000 }, () => {
  expect(text).toBe(openApiText());
});

it("describes every path that is served, and no other", () => {
  const live = { stopping: false };
  const operators = adminMounts({ metrics: createMetrics(), live, full: true, metricsFor: "open" });
  const mounts: readonly Mount[] = [
    ...[openai, anthropic, gemini, mlflow, predict].flatMap((one) => one.mounts({ keeps: true } as Door)),
    ...operators,
  ];
  const all = mounts.flatMap(({ endpoints }) => endpoints.map(({ method, path }) => `${method} ${path}`));
  // Two protocols may share a path, and tell their callers apart.
  const served = [...new Set(all)];
  // What Google's API can ask of a model stands in one segment with its name, and at `/v1` again.
  const told = operations
    .map(({ path, method }) => `${method.toUpperCase()} ${path.replace(/\{name\}:\w+$/, "{call}")}`)
    .filter((one) => !one.includes("polygate."));
  const wanted = served.filter((one) => !one.startsWith("HEAD ") && one !== "POST /v1/models/{call}");
  expect([...new Set(told)].sort()).toEqual(wanted.sort());
});

it("describes every method of the services, the streaming ones with their media type", () => {
  const admin = [RouteAdminService, RevisionAdminService, KeyAdminService, AuditService];
  const services = [ChatService, CompletionsService, EmbeddingsService, PredictionService, ...admin];
  const methods = services.flatMap((service) => service.methods);
  const told = operations.filter(({ path }) => path.includes("polygate."));
  expect(told.map(({ path }) => path).sort()).toEqual(
    methods.map((method) => `/${method.parent.typeName}/${method.name}`).sort(),
  );
  for (const { path, operation } of told) {
    const type = /\/(?:Stream|Watch|Export)/.test(path) ? "application/connect+json" : "application/json";
    expect([path, Object.keys(operation.requestBody!.content)]).toEqual([path, [type]]);
    expect([path, Object.keys(operation.responses["200"]!.content)]).toEqual([path, [type]]);
  }
});

it("names every way to send a key, none of which has to be used where there is no auth", () => {
  const { security } = document as unknown as { security: readonly object[] };
  expect(security).toEqual([{}, { Bearer: [] }, { ApiKey: [] }, { AzureKey: [] }, { GoogleKey: [] }, { Basic: [] }]);
  expect(Object.keys(document.components["securitySchemes"]!)).toEqual(security.flatMap((one) => Object.keys(one)));
  for (const path of ["/health", "/livez", "/readyz"])
    expect(document.paths[path]!["get"]).toMatchObject({ security: [] });
});

it("is a sound OpenAPI 3.1 document", () => {
  expect(document).toMatchObject({
    openapi: "3.1.0",
    info: { title: expect.any(String), version: expect.any(String) },
  });
  const tags = document.tags.map((tag) => tag.name);
  const ids = new Set<string>();
  for (const { path, operation } of operations) {
    expect(path).toMatch(/^\/[\w./{}:-]*$/);
    expect(ids.has(operation.operationId)).toBe(false);
    ids.add(operation.operationId);
    expect(tags).toContain(operation.tags[0]);
    for (const response of Object.values(operation.responses)) expect(response.description).not.toBe("");
    const parameters = (operation.parameters ?? []).map((one) =>
      "$ref" in one ? resolve(document, one["$ref"] as string) : one,
    );
    const named = parameters.filter((one) => one["in"] === "path").map((one) => one["name"]);
    expect(named).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
  }
});

it("refers only to what there is, and uses only schema keywords that mean something", () => {
  for (const ref of text.matchAll(/"\$ref": "([^"]+)"/g)) expect(resolve(document, ref[1]!)).toBeTypeOf("object");
  const seen = new Set<object>();
  const walk = (schema: unknown): void => {
    if (typeof schema !== "object" || schema === null || seen.has(schema)) return;
    seen.add(schema);
    check(document, schema as never, undefined);
    const { properties, items, additionalProperties, anyOf } = schema as Record<string, object | undefined>;
    for (const one of [...Object.values(properties ?? {}), items, additionalProperties, ...Object.values(anyOf ?? {})])
      walk(one);
  };
  for (const schema of Object.values(document.components["schemas"]!)) walk(schema);
  expect(seen.size).toBeGreaterThan(200);
});

it("gives every member of a request its comment", () => {
  for (const name of ["ChatRequest", "CompleteRequest", "EmbedRequest"]) {
    const { properties } = document.components["schemas"]![name] as {
      properties: Record<string, { description?: string }>;
    };
    for (const [key, one] of Object.entries(properties)) expect([key, one.description]).not.toEqual([key, undefined]);
  }
});
