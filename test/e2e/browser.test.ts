/** Chromium on a page of another origin: the generated code over Connect and gRPC-web, and "Try it out" on `/docs`. */
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { Gateway } from "../support/gateway.ts";
import { openPages, type Pages, type Tab } from "./pages.ts";
import { expectSame, question, reference, startSimulator, type Told } from "./question.ts";
import { clientSuite, PATIENCE_MS } from "./tools.ts";

clientSuite("Chromium", "a browser", (executablePath) => {
  let pages: Pages;
  let gateway: Gateway;
  let want: Told;
  let tab: Tab;

  beforeAll(async () => {
    pages = await openPages(executablePath);
    gateway = await startSimulator(`listen: { cors: { allowed_origins: ["${pages.origin}"] } }`);
    want = await reference(gateway.url);
  }, PATIENCE_MS);
  afterAll(async () => {
    await pages?.[Symbol.asyncDispose]();
    await gateway?.[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    tab = await pages.tab();
    return () => tab[Symbol.asyncDispose]();
  });

  it.each([
    ["Connect with JSON", "connect"],
    ["Connect with protobuf", "connectBinary"],
    ["gRPC-web", "grpcWeb"],
  ] as const)("gets the same answers across origins over %s, and typed errors", async (_, way) => {
    await tab.page.goto(pages.origin);
    const got = await tab.ask(way, gateway.url);
    expectSame(got, want);
    expect(got.unknown?.code).toBe("NotFound");
    expect(got.unknown?.message).toContain("no-such-route");
  });

  it("gets the same answers across origins with Google's gRPC-web client", async () => {
    await tab.page.goto(pages.origin);
    expectSame(await tab.ask("google", gateway.url), want);
    expect(tab.troubles).toEqual([]);
  });

  it("is refused on a page of an origin that the config does not list", async () => {
    await tab.page.goto(pages.origin.replace("127.0.0.1", "localhost"));
    await expect(tab.ask("connect", gateway.url)).rejects.toThrow(/Failed to fetch/);
    expect(tab.troubles.join()).toContain("CORS");
  });

  it("tries a route out on /docs", async () => {
    const { page } = tab;
    await page.goto(`${gateway.url}/`);
    expect(new URL(page.url()).pathname).toMatch(/^\/docs\/?$/);
    const operation = page.locator(".opblock", { has: page.locator('[data-path="/v1/chat/completions"]') });
    const control = operation.locator(".opblock-summary-control");
    const tryOut = operation.getByRole("button", { name: "Try it out" });
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
    expect(tab.troubles).toEqual([]);
  });

  it("shows /docs without asking any other host", async () => {
    const hosts = new Set<string>();
    tab.page.on("request", (request) => void hosts.add(new URL(request.url()).host));
    await tab.page.goto(`${gateway.url}/docs`);
    await tab.page.locator(".opblock").first().waitFor();
    expect([...hosts].filter((host) => host !== "" && host !== new URL(gateway.url).host)).toEqual([]);
  });
});
