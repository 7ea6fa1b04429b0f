/** The description of the API and its page, as a browser and a code generator take them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Gateway } from "../support/gateway.ts";
import { check, type Document } from "../support/json-schema.ts";
import { startSimulator } from "./question.ts";

let gateway: Gateway;
let document: Document;

beforeAll(async () => {
  gateway = await startSimulator();
  document = (await (await fetch(`${gateway.url}/openapi.json`)).json()) as Document;
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

it("leads from / to the page, whose every file is the gateway's own", async () => {
  const root = await fetch(`${gateway.url}/`, { redirect: "manual" });
  expect([root.status, root.headers.get("location")]).toEqual([307, "/docs"]);
  const page = await fetch(`${gateway.url}/docs`);
  expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(page.headers.get("content-security-policy")).toMatch(/default-src 'none'; script-src 'self';/);
  const html = await page.text();
  const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)]
    .map(([, link]) => link!)
    .filter((link) => link !== "data:,");
  expect(links).toHaveLength(3);
  for (const link of links) {
    const file = await fetch(new URL(link, page.url));
    expect([link, file.status]).toEqual([link, 200]);
    expect(file.url.startsWith(gateway.url)).toBe(true);
    const again = await fetch(file.url, { headers: { "if-none-match": file.headers.get("etag")! } });
    expect(again.status).toBe(304);
  }
  expect(html).not.toMatch(/<script>|style=/);
});

it("offers the routes that there are", () => {
  const { RouteName } = document.components.parameters as Record<string, { schema: unknown }>;
  expect(RouteName!.schema).toEqual({ type: "string", enum: ["chat", "completions", "embeddings"] });
});

describe("every example, sent as it stands, is answered as described", () => {
  it("on each path", async () => {
    const tried: string[] = [];
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        const examples = operation.requestBody?.content["application/json"]?.examples ?? { none: { value: undefined } };
        for (const [name, { value }] of Object.entries(examples)) {
          const at = `${method} ${path} ${name}`;
          const route = Object.hasOwn({ chat: 1, completions: 1, embeddings: 1 }, name) ? name : "chat";
          const response = await fetch(gateway.url + path.replace(/\{\w+\}/, route), {
            method,
            ...(value !== undefined && {
              headers: { "content-type": "application/json" },
              body: JSON.stringify(value),
            }),
          });
          expect([at, response.status]).toEqual([at, 200]);
          const answers = operation.responses["200"]!.content;
          const type = response.headers.get("content-type")!.split(";")[0]!;
          const text = await response.text();
          const events = operation["x-event-schema"];
          if (type === "text/event-stream") {
            const data = text.split("\n").filter((line) => line.startsWith("data: {"));
            expect(data.length).toBeGreaterThan(0);
            for (const line of data)
              expect([at, check(document, events!, JSON.parse(line.slice(6)))]).toEqual([at, []]);
          } else expect([at, check(document, answers[type]!.schema, JSON.parse(text))]).toEqual([at, []]);
          if (value !== undefined) {
            const { schema } = operation.requestBody!.content["application/json"]!;
            expect([at, check(document, schema, value)]).toEqual([at, []]);
          }
          tried.push(at);
        }
      }
    }
    expect(tried.length).toBeGreaterThan(20);
  });

  it("and so is what fails", async () => {
    const post = (path: string) =>
      fetch(gateway.url + path, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
    for (const path of ["/v1/chat/completions", "/gateway/chat/invocations", "/polygate.v1.ChatService/Chat"]) {
      const response = await post(path);
      expect(response.status).toBeGreaterThanOrEqual(400);
      const template = path.replace("/gateway/chat/", "/gateway/{name}/");
      const { schema } = document.paths[template]!["post"]!.responses["default"]!.content["application/json"]!;
      expect([path, check(document, schema, await response.json())]).toEqual([path, []]);
    }
  });
});
