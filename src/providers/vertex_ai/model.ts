/** Whose model it is: it decides the dialect. */
export type Publisher = "google" | "anthropic";

/** A model as a resource below the project and location. */
export interface Resource {
  readonly publisher: Publisher;
  /** Without its publisher. */
  readonly name: string;
  /** Such as `publishers/google/models/gemini-2.5-flash`. */
  readonly path: string;
}

/**
 * A model's resource by its name in the config: `gemini-2.5-flash`, `claude-sonnet-4-5@20250929`, either with its publisher
 * (`anthropic/claude-...`, `publishers/google/models/...`), or `endpoints/123` of a tuned Gemini model.
 */
export function resourceOf(model: string): Resource {
  if (model.startsWith("endpoints/")) return { publisher: "google", name: model, path: escaped(model) };
  const known = /^(?:publishers\/)?(google|anthropic)\/(?:models\/)?(.+)$/.exec(model);
  const name = known?.[2] ?? model;
  const publisher: Publisher =
    (known?.[1] as Publisher | undefined) ?? (name.startsWith("claude") ? "anthropic" : "google");
  return { publisher, name, path: `publishers/${publisher}/models/${escaped(name)}` };
}

/** An `@` before a version may stand in a path as it is. */
function escaped(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/").replaceAll("%40", "@");
}

/** Models that make vectors by `embedContent`; the others do by `predict`. As in Google's SDK. */
export function embedsContent(name: string): boolean {
  return name.includes("gemini") && name !== "gemini-embedding-001";
}
