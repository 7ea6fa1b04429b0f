import { copyFileSync, mkdirSync } from "node:fs";

/** Puts what the docs page serves beside its compiled code: the API description and swagger-ui, with its licence. */
export function copyDocsAssets(): void {
  const root = new URL("../", import.meta.url);
  const to = new URL("dist/protocols/docs/", root);
  const swagger = new URL("node_modules/swagger-ui-dist/", root);
  mkdirSync(to, { recursive: true });
  copyFileSync(new URL("src/protocols/docs/openapi.json", root), new URL("openapi.json", to));
  for (const name of ["swagger-ui.css", "swagger-ui-bundle.js"])
    copyFileSync(new URL(name, swagger), new URL(name, to));
  for (const name of ["LICENSE", "NOTICE"]) copyFileSync(new URL(name, swagger), new URL(`swagger-ui-${name}`, to));
}
