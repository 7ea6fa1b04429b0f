import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  // In a project of your own the package is installed, and this is not needed.
  resolve: { alias: { "polygate/client": fileURLToPath(new URL("../../../src/client/index.ts", import.meta.url)) } },
});
