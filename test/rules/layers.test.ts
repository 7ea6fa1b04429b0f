import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { isTest, sources } from "../support/sources.ts";

/** Who may import whom. A family of extensions has a layer for each folder; files directly under `src/` are `main`. */
const ARROW: Readonly<Record<string, readonly string[]>> = {
  core: [],
  // Every dialect is translated from and to the common shape, which is OpenAI's.
  dialects: ["core", "dialects/openai"],
  config: ["core", "gen"],
  admin: ["core", "config", "gen"],
  net: ["core"],
  observe: ["core"],
  follow: ["core"],
  serve: ["core"],
  providers: ["core", "dialects", "gen"],
  protocols: ["core", "dialects", "gen"],
  policies: ["core", "gen"],
  sql: ["core"],
  stores: ["core", "gen", "sql"],
  client: ["gen"],
  cli: ["client", "config", "core", "gen"],
  // Extensions come in through the registry alone, which finds them by their folders.
  main: ["admin", "cli", "core", "net", "config", "observe", "follow", "serve", "gen"],
};
const FAMILIES = ["providers", "protocols", "policies", "stores", "dialects"];

/** What only some may use, and where: packages, and words of the language that stand for the world outside. */
const ONLY: readonly (readonly [what: RegExp, where: RegExp])[] = [
  // Loaded when it is first needed.
  [/from "undici"/, /^$/],
  [/import\("undici"\)/, /^src\/net\/in-pieces\.ts$/],
  [/from "pino"/, /^src\/observe\/log\.ts$/],
  [/from "prom-client"/, /^src\/observe\//],
  // Programs are started in one place alone.
  [/from "node:child_process"/, /^src\/serve\/process\.ts$/],
  [/from "commander"/, /^src\/(command\.ts|cli\/program\.ts)$/],
  [/from "chokidar"/, /^src\/config\/watch\.ts$/],
  [/from "kysely"/, /^src\/(sql|stores)\//],
  [/from "pg"/, /^src\/stores\/postgres\//],
  [/from "node:sqlite"/, /^src\/stores\/sqlite\//],
  [/from "yaml"/, /^src\/(config|follow|cli)\//],
  [/from "@connectrpc\//, /^src\/(protocols|client|cli)\//],
  // One dialer and one listener: rules of egress and of limits hold for all of them. `isIP` reads, and opens nothing; the log's writer makes the
  // pipe that it is given non-blocking.
  [/import (?!\{ (?:isIP(?:v4|v6)?(?:, )?)+ \})[^;]*from "node:net"/, /^src\/(?:net\/|observe\/writer\.ts$)/],
  [/from "node:(http|https|http2|tls|dns|dgram)[/"]/, /^src\/net\//],
  [/\bfetch\(/, /^src\/client\//],
  [/\bprocess\.env\b/, /^src\/(config\/secrets|command)\.ts$/],
  [/\b(Date\.now|performance\.now|Math\.random|setTimeout|setInterval)\b|new Date\(/, /^src\/(?!core\/|dialects\/)/],
  [/\bconsole\.[a-z]+\(|process\.stdout/, /^src\/(check|command)\.ts$/],
];

/** A path's layer, such as `core`, `providers/openai`, `main` or `gen`. */
function layerOf(path: string): string {
  const [top, layer, folder, ...deeper] = path.split("/");
  if (top !== "src") return top!;
  if (folder === undefined) return "main";
  return FAMILIES.includes(layer!) && deeper.length > 0 ? `${layer}/${folder}` : layer!;
}

/** Every import and word that stands where it may not, as `file -> what`. */
function offences(files: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  for (const [path, text] of files) {
    if (isTest(path)) continue;
    const from = layerOf(path);
    for (const [, imported] of text.matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)) {
      const to = layerOf(join(dirname(path), imported!));
      const allowed = ARROW[from.split("/")[0]!] ?? [];
      if (to !== from && !allowed.includes(to) && !allowed.includes(to.split("/")[0]!))
        found.push(`${path} -> ${imported}`);
    }
    // A comment and a type touch nothing.
    const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$|^import type [^;]*;/gm, "");
    for (const [what, where] of ONLY) {
      const word = what.exec(code);
      if (word && !where.test(path)) found.push(`${path} -> ${word[0]}`);
    }
  }
  return found;
}

it("imports follow the arrow, and what touches the world outside is where it belongs", () => {
  expect(offences(sources("src"))).toEqual([]);
});

it.each([
  ["src/core/bad.ts", 'import { listen } from "../net/listen.ts";', "../net/listen.ts"],
  [
    "src/core/bad.ts",
    'import type { Chat } from "../../gen/polygate/v1/chat_pb.js";',
    "../../gen/polygate/v1/chat_pb.js",
  ],
  ["src/core/bad.ts", "const now = Date.now();", "Date.now"],
  ["src/policies/a/bad.ts", 'import { memory } from "../../stores/memory/index.ts";', "../../stores/memory/index.ts"],
  ["src/providers/a/bad.ts", 'export { b } from "../b/index.ts";', "../b/index.ts"],
  ["src/providers/a/bad.ts", "await fetch(url);", "fetch("],
  ["src/start.ts", 'const openai = await import("./providers/openai/index.ts");', "./providers/openai/index.ts"],
  ["src/net/in-pieces.ts", 'import { Pool } from "undici";', 'from "undici"'],
  ["src/net/listen.ts", 'await import("undici");', 'import("undici")'],
  ["src/providers/a/bad.ts", 'import { connect } from "node:net";', 'import { connect } from "node:net"'],
  ["src/providers/a/bad.ts", "process.env.KEY", "process.env"],
  ["src/start.ts", 'import { spawn } from "node:child_process";', 'from "node:child_process"'],
])("names the offender: %s with %s", (path, text, what) => {
  expect(offences(new Map([[path, text]]))).toEqual([`${path} -> ${what}`]);
});

it("lets comments and types speak of what the code may not use", () => {
  expect(
    offences(
      new Map([
        [
          "src/core/a.ts",
          '/** Not Date.now. */\n// nor setTimeout\nimport type { Socket } from "node:net";\nexport const a = 1;',
        ],
      ]),
    ),
  ).toEqual([]);
});
