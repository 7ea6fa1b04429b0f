import { execFileSync } from "node:child_process";
import { chmodSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { copyDocsAssets } from "./docs-assets.ts";

/** Compiles `src` to `dist` and puts the files beside it that the docs page serves. */
const root = fileURLToPath(new URL("..", import.meta.url));
const tsc = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));

rmSync(new URL("../dist", import.meta.url), { recursive: true, force: true });
execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
copyDocsAssets();
chmodSync(new URL("../dist/main.js", import.meta.url), 0o755);
