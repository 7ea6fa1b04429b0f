/** Chromium on a page of another origin: the generated code over Connect and gRPC-web, and "Try it out" on `/docs`. */
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { Gateway } from "../support/gateway.ts";
import type { asks } from "./clients/page/ask.ts";
import { type Both, expectSame, question, reference, startSimulator, type Told } from "./question.ts";
import { client, clientSuite, PATIENCE_MS } from "./tools.ts";

/** Without them a Chromium run by root does not start, and one without a network looks for its maker's servers. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const HTML = `<!doctype html><title>A page of another origin</title><script type="module" src="/page.js"></script>`;

clientSuite("Chromium", "a browser", (executablePath) => {
  let folder: string;
  let pages: Server;
  let origin: string;
  let gateway: Gateway;
  let want: Told;
  let browser: Browser;
  let page: Page;
  let troubles: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "polygate-page-"));
    await build({
      configFile: false,
      logLevel: "error",
      build: {
        outDir: folder,
        emptyOutDir: true,
        lib: { entry: client("page/ask.ts"), formats: ["es"], fileName: () => "page.js" },
      },
    });
    const script = await readFile(join(folder, "page.js"));
    pages = createServer(({ url }, response) => {
      const isScript = url === "/page.js";
      response.writeHead(200, { "content-type": isScript ? "text/javascript" : "text/html" });
      response.end(isScript ? script : HTML);
    }).listen(0, "127.0.0.1");
    await once(pages, "listening");
    origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
    gateway = await startSimulator(`listen: { cors: { allowed_origins: ["${origin}"] } }`);
    want = await reference(gateway.url);
    browser = await chromium.launch({ executablePath, headless: true, args: FLAGS });
  }, PATIENCE_MS);
  afterAll(async () => {
    await browser?.close();
    await gateway?.[Symbol.asyncDispose]();
    pages?.closeAllConnections();
    pages?.close();
    await rm(folder, { recursive: true, force: true });
  });

  beforeEach(async () => {
    // A context of its own has an empty cache, so every test makes its own preflights.
    page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(PATIENCE_MS / 2);
    troubles = [];
    page.on("pageerror", (error) => void troubles.push(error.message));
    page.on("console", (line) => void (line.type() === "error" && troubles.push(line.text())));
    return () => page.context().close();
  });

  const ask = (way: keyof typeof asks): Promise<Both & { unknown?: { code: string; message: string } }> =>
    page.evaluate(([how, url, request]) => (globalThis as unknown as { asks: typeof asks }).asks[how](url, request), [
      way,
      gateway.url,
      question,
    ] as const);

  it.each([
    ["Connect with JSON", "connect"],
    ["Connect with protobuf", "connectBinary"],
    ["gRPC-web", "grpcWeb"],
  ] as const)("gets the same answers across origins over %s, and typed errors", async (_, way) => {
    await page.goto(origin);
    const got = await ask(way);
    expectSame(got, want);
    expect(got.unknown?.code).toBe("NotFound");
    expect(got.unknown?.message).toContain("no-such-route");
  });

  it("gets the same answers across origins with Google's gRPC-web client", async () => {
    await page.goto(origin);
    expectSame(await ask("google"), want);
    expect(troubles).toEqual([]);
  });

  it("is refused on a page of an origin that the config does not list", async () => {
    await page.goto(origin.replace("127.0.0.1", "localhost"));
    await expect(ask("connect")).rejects.toThrow(/Failed to fetch/);
    expect(troubles.join()).toContain("CORS");
  });

  it("tries a route out on /docs", async () => {
    await page.goto(`${gateway.url}/`);
    expect(new URL(page.url()).pathname).toMatch(/^\/docs\/?$/);
    const operation = page.locator(".opblock", { has: page.locator('[data-path="/v1/chat/completions"]') });
    const [control, tryOut] = [
      operation.locator(".opblock-summary-control"),
      operation.getByRole("button", { name: "Try it out" }),
    ];
    // Swagger UI draws itself anew while it loads, and a click in that moment opens nothing.
    const opened = async () => {
      if ((await control.getAttribute("aria-expanded")) !== "true") await control.click();
      return tryOut.isVisible();
    };
    await expect.poll(opened, { timeout: PATIENCE_MS / 2 }).toBe(true);
    await tryOut.click();
    await operation.locator("textarea").fill(JSON.stringify({ model: "chat", ...question }));
    await operation.getByRole("button", { name: "Execute" }).click();
    const answer = operation.locator(".live-responses-table");
    await answer.locator(".response-col_status", { hasText: "200" }).waitFor();
    expect(await answer.textContent()).toContain("chat.completion");
    expect(troubles).toEqual([]);
  });

  it("shows /docs without asking any other host", async () => {
    const hosts = new Set<string>();
    page.on("request", (request) => void hosts.add(new URL(request.url()).host));
    await page.goto(`${gateway.url}/docs`);
    await page.locator(".opblock").first().waitFor();
    expect([...hosts].filter((host) => host !== "" && host !== new URL(gateway.url).host)).toEqual([]);
  });
});
