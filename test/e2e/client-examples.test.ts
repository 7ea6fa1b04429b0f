/** The programs of `examples/clients`, run as their README files say, against a gateway with a store. */

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createPolygate, Role } from "../../src/client/index.ts";
import type { Gateway } from "../support/gateway.ts";
import { openBrowser } from "./pages.ts";
import { startSimulator } from "./question.ts";
import { clientSuite, PATIENCE_MS, run } from "./tools.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const EXAMPLES = join(ROOT, "examples/clients");
const SAID = 'You said: "Hello" (simulated; no model was asked)';

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startSimulator();
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

function told(name: string): RegExp {
  const lines = [
    `chat: ${SAID}`,
    `stream: ${SAID}`,
    `made: ${name} in revision \\d+`,
    "explained: simulator-chat",
    "made again: already_exists",
    "deleted",
  ];
  return new RegExp(`^${lines.map((line) => line.replace(/[()"]/g, "\\$&").replace("?", "\\?")).join("\n")}\n$`);
}

clientSuite("Go with the plugins for stubs", "the Go example", (plugin) => {
  it("chats, streams and administers", async () => {
    const env = { PATH: [dirname(plugin), process.env["PATH"]].join(delimiter), POLYGATE_URL: gateway.url };
    await run("npx", ["buf", "generate", "--template", "examples/clients/go/buf.gen.yaml"], { env });
    expect(await run("go", ["run", "-C", join(EXAMPLES, "go"), "."], { env })).toMatch(told("made-by-go"));
  });
});

clientSuite("Python with openai and grpcio", "the Python example", (python) => {
  it("chats, streams and administers", async () => {
    await run("sh", [join(EXAMPLES, "python/generate.sh"), python]);
    const env = { POLYGATE_URL: gateway.url };
    expect(await run(python, [join(EXAMPLES, "python/client.py")], { env })).toMatch(told("made-by-python"));
  });
});

clientSuite("Chromium", "the page", (executablePath) => {
  it("streams a chat and lists the routes", async () => {
    const out = join(ROOT, ".cache/page-example");
    await run("npx", ["tsc", "--noEmit", "-p", join(EXAMPLES, "browser")]);
    await build({
      configFile: join(EXAMPLES, "browser/vite.config.ts"),
      logLevel: "error",
      build: { outDir: out, emptyOutDir: true },
    });
    const server = createServer(async ({ url }, response) => {
      const script = url?.endsWith(".js") ?? false;
      response.writeHead(200, { "content-type": script ? "text/javascript" : "text/html" });
      response.end(await readFile(join(out, script ? url! : "index.html")));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await using own = await startSimulator(`listen: { cors: { allowed_origins: ["${origin}"] } }`);
    const browser = await openBrowser(executablePath);
    try {
      const page = await browser.newPage();
      page.setDefaultTimeout(PATIENCE_MS / 2);
      await page.goto(origin);
      await page.fill("[name=url]", own.url);
      await page.click("button");
      await page.waitForSelector("li");
      expect(await page.textContent("output")).toBe(SAID);
      expect(await page.locator("li").allTextContents()).toContain("chat (llm/v1/chat)");
    } finally {
      await browser.close();
      server.closeAllConnections();
      server.close();
    }
  });
});

it("polygate/client chats and reads routes in Node", async () => {
  const polygate = createPolygate({ baseUrl: gateway.url });
  const messages = [{ role: Role.USER, content: { case: "text" as const, value: "Hello" } }];
  const { choices } = await polygate.chat.chat({ model: "chat", messages });
  expect(choices[0]?.message?.content.value).toBe(SAID);
  const { routes } = await polygate.routes.listRoutes({});
  expect(routes.map(({ name }) => name)).toContain("chat");
});
