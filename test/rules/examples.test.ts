import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { load } from "../../src/config/load.ts";
import { formatProblem } from "../../src/config/problems.ts";
import { kinds } from "../../src/kinds.ts";

const folder = fileURLToPath(new URL("../../examples", import.meta.url));
const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
  (name) => name.endsWith(".yaml") && !name.endsWith("buf.gen.yaml"),
);

describe("examples", () => {
  it("are there", () => expect(files).toContain("quickstart.yaml"));

  it.each(files)("%s has no problem and no warning", async (name) => {
    const env = { OPENAI_API_KEY: "sk-1", AZURE_OPENAI_API_KEY: "sk-2", POLYGATE_KEY: "a-key-of-the-team" };
    const { problems, warnings } = await load(`${folder}/${name}`, { kinds, env });
    expect([...problems, ...warnings].map(formatProblem)).toEqual([]);
  });

  it.each(["routing", "mlflow"])("every file that docs/%s.md shows has no problem and no warning", async (page) => {
    const text = readFileSync(`${folder}/../docs/${page}.md`, "utf8");
    const shown = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml]) => yaml!);
    expect(shown.length).toBeGreaterThan(0);
    for (const yaml of shown) {
      const { problems, warnings } = await load({ file: `${page}.md`, text: yaml }, { kinds });
      expect([...problems, ...warnings].map(formatProblem)).toEqual([]);
    }
  });

  it("quickstart.yaml has three simulated routes", async () => {
    const { config } = await load(`${folder}/quickstart.yaml`, { kinds });
    expect(config.routes.map(({ name, routeType, model }) => [name, routeType, model?.provider, model?.name])).toEqual([
      ["chat", "llm/v1/chat", "simulator", "simulator-chat"],
      ["completions", "llm/v1/completions", "simulator", "simulator-completions"],
      ["embeddings", "llm/v1/embeddings", "simulator", "simulator-embeddings"],
    ]);
  });
});
