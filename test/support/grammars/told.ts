/** What a grammar makes of a stream that it accepts, in words that all dialects share. */
export interface Heard {
  text: string;
  reasoning: string;
  readonly calls: { id?: string | undefined; name: string; arguments: string }[];
  /** The dialect's own word. */
  finish: string | undefined;
  /** Tokens of input and output, as far as the dialect tells them. */
  input: number | undefined;
  output: number | undefined;
  /** How the stream told of its own failure; `undefined`: it is whole. */
  failed: string | undefined;
}

export const nothing = (): Heard => ({
  text: "",
  reasoning: "",
  calls: [],
  finish: undefined,
  input: undefined,
  output: undefined,
  failed: undefined,
});

/** A stream that is not what its dialect allows. */
export class Ungrammatical extends Error {}

export function must(holds: unknown, what: string): asserts holds {
  if (!holds) throw new Ungrammatical(what);
}

/** Server-sent events of a body: each with its name, or none, and its data. Every line must be of a kind that they have. */
export function framesOf(sent: string): { readonly event: string | undefined; readonly data: string }[] {
  // Google ends lines with both.
  const body = sent.replaceAll("\r\n", "\n");
  must(body === "" || body.endsWith("\n\n"), "the last event has no blank line");
  const frames: { event: string | undefined; data: string }[] = [];
  for (const block of body.split("\n\n").slice(0, -1)) {
    let event: string | undefined;
    const data: string[] = [];
    for (const line of block.split("\n")) {
      if (line.startsWith(":")) continue;
      const [, name, value] = /^(event|data): ?(.*)$/s.exec(line) ?? [];
      must(name !== undefined, `no field of an event: ${line.slice(0, 80)}`);
      if (name === "event") event = value!;
      else data.push(value!);
    }
    if (data.length > 0) frames.push({ event, data: data.join("\n") });
  }
  return frames;
}

export function parsed(data: string): Record<string, unknown> {
  const json: unknown = JSON.parse(data);
  must(typeof json === "object" && json !== null && !Array.isArray(json), `not an object: ${data.slice(0, 80)}`);
  return json as Record<string, unknown>;
}
