import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { expect, it } from "vitest";
import { slim } from "../../scripts/slim.ts";

const source = (path: string) => fileURLToPath(new URL(`../../src/${path}`, import.meta.url));

it("leaves fetch out of undici, and imports no node:http as a module", async () => {
  const input = { send: source("net/send.ts"), http1: source("net/http1.ts") };
  const bundle = await rolldown({ input, platform: "node", plugins: [slim] });
  const { output } = await bundle.generate({ format: "esm" });
  const chunks = output.filter((one) => one.type === "chunk");
  const undici = chunks.flatMap(({ modules }) => Object.keys(modules)).filter((id) => id.includes("/undici/lib/"));
  expect(undici.some((id) => id.endsWith("/dispatcher/pool.js"))).toBe(true);
  expect(undici.filter((id) => /\/(?:web|mock|cache|interceptor)\//.test(id))).toEqual([]);
  expect(chunks.flatMap(({ imports }) => imports).filter((name) => /^(?:node:)?http$/.test(name))).toEqual([]);
});
