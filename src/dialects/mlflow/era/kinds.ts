import type { MlflowEra, Operation } from "../../../core/call.ts";

/** What of an answer MLflow of an era told its callers; what is not told is null. */
export interface Told {
  readonly id?: boolean;
  readonly finish?: boolean;
  readonly usage?: boolean;
  /** True: the model's name as the provider told it; else as the route has it. */
  readonly model?: boolean;
  /** How its streams began: with an empty text in place of the role. */
  readonly begins?: boolean;
  /** True: its completions' streams ended with the provider's own word and no text. */
  readonly native?: boolean;
  /** True: its chats' streams did not tell why they end. */
  readonly endless?: boolean;
  /** True: the seed of a choice, as text. */
  readonly seed?: boolean;
  /** True: the content of a message is a list of parts. */
  readonly parts?: boolean;
}

/** One kind of provider as MLflow's adapter of an era was. */
export interface Kind {
  /** Its name in MLflow's sentences. */
  readonly name: string;
  /** What each operation told; an absent one it did not have. */
  readonly does: { readonly [op in Operation]?: Told };
  /** How it says that it does not do an operation; by default as most do. */
  readonly lacks?: readonly [http: number, words: string];
  /** The operations that it streamed. */
  readonly streams?: readonly Operation[];
  /** What becomes of a `model` in a request, which is refused as a rule: before all else, or after the adapter's own rules. */
  readonly model?: "passed on" | "left out" | "after";
}

const ALL: Told = { id: true, finish: true, usage: true, model: true };
const NONE: Told = {};
const USAGE: Told = { usage: true };

/** MLflow 2.9-2.22, as 2.22.5 was captured. */
const MODERN: Readonly<Record<string, Kind>> = {
  openai: {
    name: "OpenAI",
    does: { chat: ALL, completions: ALL, embeddings: ALL },
    streams: ["chat", "completions"],
  },
  anthropic: {
    name: "Anthropic",
    does: { chat: { ...ALL, parts: true, begins: true }, completions: { finish: true, model: true } },
    streams: ["chat"],
  },
  cohere: {
    name: "Cohere",
    does: { chat: { id: true, usage: true, endless: true }, completions: { native: true }, embeddings: NONE },
    streams: ["chat", "completions"],
  },
  ai21labs: { name: "AI21Labs", does: { completions: { finish: true } } },
  mosaicml: { name: "MosaicML", does: { chat: NONE, completions: NONE, embeddings: NONE } },
  palm: { name: "PaLM", does: { chat: NONE, completions: NONE, embeddings: NONE } },
  "huggingface-text-generation-inference": {
    name: "Hugging Face Text Generation Inference",
    does: { completions: { finish: true, usage: true } },
  },
  "mlflow-model-serving": {
    name: "MLflow Model Serving",
    does: { chat: NONE, completions: NONE, embeddings: NONE },
    model: "passed on",
  },
  bedrock: { name: "Amazon Bedrock", does: { completions: NONE }, model: "passed on" },
  "bedrock anthropic": { name: "Amazon Bedrock", does: { completions: { finish: true } }, model: "left out" },
  mistral: { name: "Mistral", does: { completions: { finish: true, usage: true }, embeddings: USAGE } },
  togetherai: {
    name: "TogetherAI",
    does: {
      chat: { id: true, usage: true, model: true },
      completions: { id: true, usage: true, model: true },
      embeddings: NONE,
    },
    model: "after",
    streams: ["chat", "completions"],
  },
  gemini: { name: "Gemini", does: { embeddings: NONE } },
};

const LEGACY_WORDS = (name: string): readonly [number, string] => [404, `for ${name} models.`];

/** MLflow 2.5-2.8, as 2.8.1 was captured. */
const LEGACY: Readonly<Record<string, Kind>> = {
  openai: MODERN["openai"]!,
  anthropic: {
    name: "Anthropic",
    does: { completions: { finish: true, model: true } },
    lacks: LEGACY_WORDS("Anthropic"),
  },
  cohere: { name: "Cohere", does: { completions: NONE, embeddings: NONE }, lacks: [422, "for Cohere."] },
  ai21labs: { name: "AI21Labs", does: { completions: { finish: true } }, lacks: LEGACY_WORDS("AI21Labs") },
  mosaicml: MODERN["mosaicml"]!,
  palm: MODERN["palm"]!,
  "huggingface-text-generation-inference": {
    name: "Hugging Face Text Generation Inference",
    does: { completions: { finish: true, usage: true, seed: true } },
    lacks: [404, "for the Text Generation Inference provider."],
  },
  "mlflow-model-serving": MODERN["mlflow-model-serving"]!,
  bedrock: {
    name: "AWS Bedrock",
    does: { completions: NONE },
    lacks: LEGACY_WORDS("AWS Bedrock"),
    model: "passed on",
  },
  "bedrock anthropic": {
    name: "AWS Bedrock",
    does: { completions: { finish: true } },
    lacks: LEGACY_WORDS("AWS Bedrock"),
    model: "left out",
  },
};

const KINDS: Readonly<Record<MlflowEra, Readonly<Record<string, Kind>>>> = { "2.8": LEGACY, "2.22": MODERN };

/** Providers of whose models the maker matters. */
const MAKERS = new Set([...Object.keys(MODERN), ...Object.keys(LEGACY)].flatMap((own) => own.split(" ").slice(0, -1)));

/** How MLflow of an era was towards a provider and model; `undefined`: it did not know the provider. */
export function kindOf(era: MlflowEra, provider: string, model: string): Kind | undefined {
  if (!MAKERS.has(provider)) return KINDS[era][provider];
  const own = `${provider} ${model.slice(0, model.indexOf("."))}`;
  return KINDS[era][own] ?? KINDS[era][provider];
}
