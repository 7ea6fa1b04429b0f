import http from "node:http";
import { createRequire } from "node:module";
import type { Plugin } from "rolldown";

const UNDICI = "\0undici";
const UNDICI_WEB = "\0undici-web";
const HTTP = "\0http";
const { resolve } = createRequire(import.meta.url);

/** Getters of `node:http` that load the undici that is in Node itself: 13 MB and a tenth of the start. */
const HEAVY = new Set(["WebSocket", "CloseEvent", "MessageEvent"]);

/**
 * Leaves out of the bundle what a gateway never calls and what would be loaded with what it does call:
 *
 * - Of undici, all but what `src/net/send.ts` imports: fetch, caches, mocks and web sockets are two thirds of it. A name that
 *   is not among these fails the build.
 * - `node:http` is taken as it is and not imported: to make it a module, Node reads every name in it, `WebSocket` too.
 */
export const slim: Plugin = {
  name: "slim",
  resolveId(source, importer, { kind }) {
    if (source === "undici") return UNDICI;
    if (importer !== undefined && /[/\\]undici[/\\]lib[/\\]/.test(importer) && /[/\\]web[/\\]/.test(source))
      return UNDICI_WEB;
    if ((source === "node:http" || source === "http") && kind !== "require-call") return HTTP;
    return undefined;
  },
  load(id) {
    if (id === UNDICI)
      return UNDICI_PARTS.map(([name, path]) => `export { default as ${name} } from ${quoted(path)};`).join("\n");
    // Bodies are buffers, always.
    if (id === UNDICI_WEB) return `throw new Error("this part of undici is not in the bundle");`;
    if (id !== HTTP) return undefined;
    const names = Object.keys(http).filter((name) => !HEAVY.has(name));
    return `const http = process.getBuiltinModule("node:http");\nexport default http;\nexport const { ${names.join(", ")} } = http;`;
  },
};

const UNDICI_PARTS = [
  ["Client", "dispatcher/client.js"],
  ["Pool", "dispatcher/pool.js"],
  ["buildConnector", "core/connect.js"],
] as const;

function quoted(path: string): string {
  return JSON.stringify(resolve(`undici/lib/${path}`));
}
