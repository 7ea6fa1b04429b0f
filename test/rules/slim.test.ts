import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { expect, it } from "vitest";
import { slim } from "../../scripts/slim.ts";

const source = (path: string) => fileURLToPath(new URL(`../../src/${path}`, import.meta.url));

it("leaves fetch out of undici and loads the rest when it is needed, and imports no node:http as a module", async () => {
  const input = { send: source("net/send.ts"), http1: source("net/http1.ts") };
  const bundle = await rolldown({ input, platform: "node", plugins: [slim] });
  const { output } = await bundle.generate({ format: "esm" });
  const chunks = output.filter((one) => one.type === "chunk");
  const undiciIn = (all: typeof chunks) =>
    all.flatMap(({ modules }) => Object.keys(modules)).filter((id) => id.includes("/undici/lib/"));
  const undici = undiciIn(chunks);
  expect(undici.some((id) => id.endsWith("/dispatcher/pool.js"))).toBe(true);
  expect(undici.filter((id) => /\/(?:web|mock|cache|interceptor)\//.test(id))).toEqual([]);
  const start = chunks.filter(({ isEntry }) => isEntry);
  for (const one of start)
    start.push(...chunks.filter((other) => one.imports.includes(other.fileName) && !start.includes(other)));
  expect(undiciIn(start)).toEqual([]);
  expect(chunks.flatMap(({ imports }) => imports).filter((name) => /^(?:node:)?http$/.test(name))).toEqual([]);
});
