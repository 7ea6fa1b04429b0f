import { builtinModules, createRequire } from "node:module";
import type { Plugin } from "rolldown";

const UNDICI = "\0undici";
const UNDICI_WEB = "\0undici-web";
const BUILTIN = "\0builtin:";
const { resolve } = createRequire(import.meta.url);

/**
 * Leaves out of the bundle what a gateway never calls and what would be loaded with what it does call:
 *
 * - Of undici, all but what `src/net/in-pieces.ts` loads: fetch, caches, mocks and web sockets are two thirds of it. A name that
 *   is not among these fails the build.
 * - Node's own modules are taken as they are and not imported: to make a module of one, Node reads every name in it, and those of
 *   `node:http` load the undici that is in Node itself, 13 MB. Only the names that are used are read.
 */
export const slim: Plugin = {
  name: "slim",
  resolveId(source, importer, { kind }) {
    if (source === "undici") return UNDICI;
    if (importer !== undefined && /[/\\]undici[/\\]lib[/\\]/.test(importer) && /[/\\]web[/\\]/.test(source))
      return UNDICI_WEB;
    // The bundler's own beginnings come before everything.
    if (kind !== "import-statement" || importer?.startsWith("\0rolldown/")) return undefined;
    const name = source.replace(/^node:/, "");
    return builtinModules.includes(name) ? BUILTIN + name : undefined;
  },
  load(id) {
    if (id === UNDICI)
      return UNDICI_PARTS.map(([name, path]) => `export { default as ${name} } from ${quoted(path)};`).join("\n");
    // Bodies are buffers, always.
    if (id === UNDICI_WEB) return `throw new Error("this part of undici is not in the bundle");`;
    return id.startsWith(BUILTIN) ? builtin(`node:${id.slice(BUILTIN.length)}`) : undefined;
  },
};

/** One of Node's own modules, each name by itself, so that the bundler leaves out those that nobody uses. */
function builtin(name: string): string {
  const names = Object.getOwnPropertyNames(process.getBuiltinModule(name)).filter((one) => /^[A-Za-z]\w*$/.test(one));
  const exported = names
    .filter((one) => one !== "default")
    .map((one) => `export const ${one} = /* @__PURE__ */ $read("${one}");`);
  const taken = `const $builtin = /* @__PURE__ */ process.getBuiltinModule("${name}");`;
  return [taken, "const $read = (name) => $builtin[name];", ...exported, "export default $builtin;"].join("\n");
}

const UNDICI_PARTS = [
  ["Client", "dispatcher/client.js"],
  ["Pool", "dispatcher/pool.js"],
] as const;

function quoted(path: string): string {
  return JSON.stringify(resolve(`undici/lib/${path}`));
}
