import { writeFileSync } from "node:fs";
import { ChatRequestSchema } from "../gen/polygate/v1/chat_pb.js";
import { CompleteRequestSchema } from "../gen/polygate/v1/completions_pb.js";
import { EmbedRequestSchema } from "../gen/polygate/v1/embeddings_pb.js";
import type { Generation } from "../src/core/call.ts";
import { GatewayError } from "../src/core/errors.ts";
import type { JsonObject } from "../src/core/json.ts";
import { PRESETS } from "../src/providers/openai_compatible/presets.ts";
import { asked, type Case, type Contracted, contracted, opened } from "../test/support/provider-contract.ts";
import { variantsOf } from "../test/support/schema-walk.ts";

/** Where the page is kept. */
export const PROVIDERS_DOCS = new URL("../docs/providers.md", import.meta.url);

const INTRO = `# Providers

Made by \`node scripts/docs-providers.ts\`, which asks each provider for the request that it would send; do not edit it.

A model's \`provider\` is one of these, in upper or lower case, with \`-\` or \`_\`. What stands in \`config\` is in
[config.md](config.md). Every one takes \`base_url\`. How to add one: [adding-a-provider.md](adding-a-provider.md).

**Dropped**: the provider has no place for the member; the answer says so (\`x-polygate-dropped\`, \`Served.dropped\`).
**Converted**: it gets it in another form or range. **Refused**: a request with it is answered with 400 and the member's name. On a
route with \`strict: true\` all three are refused. Members that no table here names are sent as they come. What is told is of the
model in the provider's fixtures; other models of it may take less, and then the provider refuses by itself.
`;

const BASES: Readonly<Record<Generation, JsonObject>> = {
  chat: { messages: [{ role: "user", content: "hi" }] },
  completions: { prompt: "hi" },
  embeddings: { input: "hi" },
};
const SCHEMAS = { chat: ChatRequestSchema, completions: CompleteRequestSchema, embeddings: EmbedRequestSchema };
const OPERATIONS = Object.keys(BASES) as Generation[];

interface Told {
  readonly dropped: Set<string>;
  readonly converted: Set<string>;
  readonly refused: Set<string>;
}

/** What a provider does not send as it was asked, for one operation. */
async function toldBy(one: Contracted, of: Case): Promise<Told> {
  const told: Told = { dropped: new Set(), converted: new Set(), refused: new Set() };
  const upstream = opened(one, of.settings);
  const { max_tokens } = of.request;
  for (const { json, differs } of variantsOf(SCHEMAS[of.op], BASES[of.op])) {
    try {
      const request = max_tokens === undefined ? json : { max_tokens, ...json };
      const { call } = await asked(upstream, of.op, of.model ?? one.contract.model, request);
      for (const how of ["dropped", "converted"] as const) {
        for (const path of call.adjusted?.[how] ?? []) told[how].add(path.replace(/\[\d+\]/g, "[]"));
      }
    } catch (thrown) {
      if (!(thrown instanceof GatewayError)) throw thrown;
      told.refused.add(thrown.fault.param?.replace(/\[\d+\]/g, "[]") ?? differs[0]!);
    }
  }
  return told;
}

/** The page's text. */
export async function providersDocsText(): Promise<string> {
  const rows: string[] = [];
  const details: string[] = [];
  for (const one of await contracted()) {
    const upstream = opened(one);
    const cases = OPERATIONS.flatMap((op) => one.contract.cases.find((of) => of.op === op) ?? []);
    const told = new Map(await Promise.all(cases.map(async (of) => [of.op, await toldBy(one, of)] as const)));
    const does = (op: Generation) => (cases.some((of) => of.op === op) || upstream.speaks[op] ? "yes" : "");
    const chats = one.contract.cases.filter(({ op }) => op === "chat");
    const streams = chats.some(({ stream }) => stream) ? "yes" : chats.length > 0 ? "no" : "";
    const tools = told.has("chat") && !told.get("chat")!.dropped.has("tools") ? "yes" : told.has("chat") ? "no" : "";
    rows.push(
      `| \`${one.kind}\` | ${titleOf(one.kind)} | ${does("chat")} | ${streams} | ${tools} | ${does("completions")} | ${does("embeddings")} | ${upstream.speaks.predictions ? "yes" : ""} |`,
    );
    details.push(...detailsOf(one.kind, told));
  }
  const head =
    "\n| provider | | chat | streams | tools | completions | embeddings | [predictions](predictions.md) |\n|---|---|---|---|---|---|---|---|\n";
  const differs =
    "\n## What is not sent as it was asked\n\n| provider | operation | dropped | converted | refused |\n|---|---|---|---|---|\n";
  return `${INTRO}${head}${rows.join("\n")}\n${differs}${details.join("\n")}\n`;
}

function detailsOf(kind: string, told: ReadonlyMap<Generation, Told>): string[] {
  const list = (names: ReadonlySet<string>) =>
    [...names]
      .sort()
      .map((name) => `\`${name}\``)
      .join(", ");
  return [...told].flatMap(([op, { dropped, converted, refused }]) =>
    dropped.size + converted.size + refused.size === 0
      ? []
      : `| \`${kind}\` | ${op} | ${list(dropped)} | ${list(converted)} | ${list(refused)} |`,
  );
}

/** By what name people know it, with a link to what describes its API. */
function titleOf(kind: string): string {
  const preset = PRESETS.find((one) => one.kind === kind);
  return preset ? `[${preset.title}](${preset.docs})` : (TITLES[kind] ?? "");
}

const TITLES: Readonly<Record<string, string>> = {
  ai21labs: "[AI21 Labs](https://docs.ai21.com/reference)",
  anthropic: "[Anthropic](https://docs.anthropic.com/en/api)",
  bedrock: "[Amazon Bedrock](https://docs.aws.amazon.com/bedrock/latest/APIReference)",
  cohere: "[Cohere](https://docs.cohere.com/reference)",
  "databricks-model-serving": "[Databricks](https://docs.databricks.com/api/workspace/servingendpoints/query)",
  gemini: "[Gemini API](https://ai.google.dev/api)",
  "huggingface-text-generation-inference":
    "[Text Generation Inference](https://huggingface.github.io/text-generation-inference)",
  mistral: "[Mistral AI](https://docs.mistral.ai/api)",
  "mlflow-model-serving": "[Models served by MLflow](https://mlflow.org/docs/latest/deployment)",
  mosaicml: "MosaicML's inference, and what speaks as it did",
  openai:
    "[OpenAI](https://platform.openai.com/docs/api-reference), [Azure OpenAI](https://learn.microsoft.com/azure/ai-services/openai/reference)",
  "openai-compatible": "any other server that speaks OpenAI's API",
  palm: "PaLM, which Google has switched off; deprecated",
  togetherai: "[Together AI](https://docs.together.ai/reference)",
  vertex_ai: "[Vertex AI](https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest): Gemini and Claude",
};

if (import.meta.main) writeFileSync(PROVIDERS_DOCS, await providersDocsText());
