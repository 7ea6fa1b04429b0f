/** Chromium, and a page of another origin than the gateway's that holds `clients/page`. */
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { build } from "vite";
import type { asks } from "./clients/page/ask.ts";
import { type Both, question } from "./question.ts";
import { client, PATIENCE_MS } from "./tools.ts";

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

/** What a page can ask with. */
export type PageWay = keyof typeof asks;

/** A browser tab. */
export interface Tab extends AsyncDisposable {
  readonly page: Page;
  /** Errors that the page threw or wrote to its console. */
  readonly troubles: readonly string[];
  /** Asks from the page that is open, which must be one of `origin`. */
  ask(way: PageWay, gatewayUrl: string): Promise<Both & { readonly unknown?: { code: string; message: string } }>;
}

/** A browser and the server of its pages. */
export interface Pages extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` of the pages, which is not the gateway's. */
  readonly origin: string;
  /** A tab with an empty cache, so that it makes its own preflights. */
  tab(): Promise<Tab>;
}

/** Builds the page, serves it, and starts the browser. */
export async function openPages(executablePath: string): Promise<Pages> {
  const script = await bundle();
  const server = createServer(({ url }, response) => {
    const isScript = url === "/page.js";
    response.writeHead(200, { "content-type": isScript ? "text/javascript" : "text/html" });
    response.end(isScript ? script : HTML);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const browser = await openBrowser(executablePath);
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tab: async () => tabOf(await (await browser.newContext()).newPage()),
    [Symbol.asyncDispose]: async () => {
      await browser.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A browser without pages. */
export function openBrowser(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, headless: true, args: FLAGS, timeout: PATIENCE_MS });
}

async function bundle(): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), "polygate-page-"));
  try {
    const lib = { entry: client("page/ask.ts"), formats: ["es" as const], fileName: () => "page.js" };
    await build({ configFile: false, logLevel: "error", build: { outDir: folder, emptyOutDir: true, lib } });
    return await readFile(join(folder, "page.js"));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function tabOf(page: Page): Tab {
  const troubles: string[] = [];
  page.setDefaultTimeout(PATIENCE_MS / 2);
  page.on("pageerror", (error) => void troubles.push(error.message));
  page.on("console", (line) => void (line.type() === "error" && troubles.push(line.text())));
  return {
    page,
    troubles,
    ask: (way, gatewayUrl) => {
      const arg = [way, gatewayUrl, question] as const;
      return page.evaluate(([how, url, request]) => (globalThis as unknown as Asking).asks[how](url, request), arg);
    },
    [Symbol.asyncDispose]: () => page.context().close(),
  };
}

interface Asking {
  readonly asks: typeof asks;
}
