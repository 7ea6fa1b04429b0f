/** The description of the API and its page, as a browser and a code generator take them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { check, type Document } from "../support/json-schema.ts";
import { startSimulator } from "./question.ts";

const CONNECT_STREAM = "application/connect+json";

/** One message in Connect's envelope. https://connectrpc.com/docs/protocol#streaming-rpcs */
function enveloped(text: string): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(Buffer.byteLength(text), 1);
  return Buffer.concat([head, Buffer.from(text)]);
}

/** The messages of a stream that ended well. */
function messagesIn(bytes: Buffer): unknown[] {
  const found: unknown[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    const json = JSON.parse(bytes.toString("utf8", at + 5, end)) as { error?: unknown };
    if (bytes[at] === 2) expect(json.error).toBeUndefined();
    else found.push(json);
    at = end;
  }
  expect(bytes.length).toBeGreaterThan(0);
  return found;
}

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

it("asks for a key where callers need one, and elsewhere for none", async () => {
  expect(document).toMatchObject({ security: [] });
  expect(document.components["securitySchemes"]).toBeUndefined();
  const auth = "auth: { keys: [{ name: ann, key: a-key-that-is-long-enough }] }";
  await using locked = await startGateway(`${auth}\nroutes: []\n`);
  const told = (await (await fetch(`${locked.url}/openapi.json`)).json()) as Document & { security: object[] };
  expect(told.security).toEqual(Object.keys(told.components["securitySchemes"]!).map((name) => ({ [name]: [] })));
  expect(told.security).toHaveLength(5);
});

describe("every example, sent as it stands, is answered as described", () => {
  it("on each path", async () => {
    const tried: string[] = [];
    for (const [path, methods] of Object.entries(document.paths)) {
      // No route here predicts; test/predictions has one.
      if (/PredictionService|^\/predict\//.test(path)) continue;
      for (const [method, operation] of Object.entries(methods)) {
        // They want a store; test/admin has one.
        if (/^(post|delete) \/api\/2\.0\/gateway\/routes\/|\/limits|\/polygate\.admin\./.test(`${method} ${path}`))
          continue;
        const [type = "", body] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
        for (const [name, { value }] of Object.entries(body?.examples ?? { none: { value: undefined } })) {
          const at = `${method} ${path} ${name}`;
          const route = Object.hasOwn({ chat: 1, completions: 1, embeddings: 1 }, name) ? name : "chat";
          const sent = JSON.stringify(value);
          // Of parameters that exclude each other the first has an example that is there.
          const [asked] = (operation.parameters ?? []).filter((one) => one["in"] === "query" && "example" in one);
          const query = asked ? `?${String(asked["name"])}=${String(asked["example"])}` : "";
          const response = await fetch(gateway.url + path.replace(/\{\w+\}/, route) + query, {
            method,
            ...(value !== undefined && {
              headers: { "content-type": type },
              body: type === CONNECT_STREAM ? enveloped(sent) : sent,
            }),
          });
          const [status, { content }] = Object.entries(operation.responses)[0]!;
          expect([at, response.status]).toEqual([at, Number(status)]);
          const answered = response.headers.get("content-type")!.split(";")[0]!;
          const bytes = Buffer.from(await response.arrayBuffer());
          const checked = (json: unknown, schema = content[answered]!.schema) =>
            expect([at, check(document, schema, json)]).toEqual([at, []]);
          if (answered === "text/event-stream") {
            const data = bytes
              .toString()
              .split("\n")
              .filter((line) => line.startsWith("data: {"));
            expect(data.length).toBeGreaterThan(0);
            for (const line of data) checked(JSON.parse(line.slice(6)), operation["x-event-schema"]);
          } else if (answered === CONNECT_STREAM) {
            const messages = messagesIn(bytes);
            expect(messages.length).toBeGreaterThan(1);
            for (const message of messages) checked(message);
          } else checked(answered === "text/plain" ? bytes.toString() : JSON.parse(bytes.toString()));
          if (value !== undefined) checked(value, body!.schema);
          tried.push(at);
        }
      }
    }
    expect(tried.length).toBeGreaterThan(30);
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
