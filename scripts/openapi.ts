import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { openApiDocument } from "./openapi/document.ts";

/** Where the description is kept; the gateway serves this file. */
export const OPENAPI_FILE = new URL("../src/protocols/docs/openapi.json", import.meta.url);

/** The file's text as it should be, formatted as the repository's JSON is. */
export function openApiText(): string {
  const biome = fileURLToPath(new URL("../node_modules/@biomejs/biome/bin/biome", import.meta.url));
  const args = [biome, "format", "--stdin-file-path=src/protocols/docs/openapi.json"];
  return execFileSync(process.execPath, args, {
    input: JSON.stringify(openApiDocument()),
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    cwd: fileURLToPath(new URL("..", import.meta.url)),
  });
}

if (import.meta.main) writeFileSync(OPENAPI_FILE, openApiText());
