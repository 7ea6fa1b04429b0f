import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { OPENAPI_FILE, openApiText } from "../../scripts/openapi.ts";
import type { Mount } from "../../src/core/protocol.ts";
import type { Door } from "../../src/core/site.ts";
import { protocol as mlflow } from "../../src/protocols/mlflow/index.ts";
import { protocol as openai } from "../../src/protocols/openai/index.ts";
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
  const mounts: readonly Mount[] = [openai, mlflow].flatMap((one) => one.mounts({} as Door));
  const served = mounts.flatMap(({ endpoints }) => endpoints.map(({ method, path }) => `${method} ${path}`));
  const told = operations
    .map(({ path, method }) => `${method.toUpperCase()} ${path}`)
    .filter((one) => !one.includes("polygate."));
  // MLflow has these paths and answers 501; there is nothing to tell.
  expect(told.sort()).toEqual(served.filter((one) => !one.includes("/limits/")).sort());
});

it("is a sound OpenAPI 3.1 document", () => {
  expect(document).toMatchObject({
    openapi: "3.1.0",
    info: { title: expect.any(String), version: expect.any(String) },
  });
  const tags = document.tags.map((tag) => tag.name);
  const ids = new Set<string>();
  for (const { path, operation } of operations) {
    expect(path).toMatch(/^\/[\w./{}-]*$/);
    expect(ids.has(operation.operationId)).toBe(false);
    ids.add(operation.operationId);
    expect(tags).toContain(operation.tags[0]);
    expect(operation.responses["200"]!.description).not.toBe("");
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
