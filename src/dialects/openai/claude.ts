/** What differs from one of Anthropic's models to another, in the Messages API and wherever else they are asked. */
export interface Abilities {
  /** How it is told to think: not at all, by a budget of tokens, or by effort. */
  readonly thinks: "never" | "budget" | "effort";
  /** Whether it knows the effort `xhigh`. */
  readonly xhigh: boolean;
  /** Whether it takes `temperature`, `top_p` and `top_k`. */
  readonly samples: boolean;
}

/** For a name that says nothing: what most models of today have in common. */
const UNKNOWN: Abilities = { thinks: "effort", xhigh: true, samples: true };

/**
 * What a model can do, by its name, which may have a date, a region or a platform's prefix: `claude-sonnet-4-5-20250929`,
 * `claude-opus-4-1@20250805`, `us.anthropic.claude-3-7-sonnet-20250219-v1:0`.
 * @see https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking
 * @see https://platform.claude.com/docs/en/build-with-claude/effort
 */
export function abilitiesOf(model: string): Abilities {
  let known = memory.get(model);
  if (known === undefined) {
    known = find(model);
    memory.set(model, known);
  }
  return known;
}

/** By the names of the config's targets, which are few. */
const memory = new Map<string, Abilities>();

function find(model: string): Abilities {
  const version = versionOf(model);
  if (version === undefined) return UNKNOWN;
  if (version < 3.07) return { thinks: "never", xhigh: false, samples: true };
  if (version < 4.06) return { thinks: "budget", xhigh: false, samples: true };
  return { thinks: "effort", xhigh: version >= 4.07, samples: version < 4.07 };
}

/** `4.05` for version 4.5, so that 4.10 comes after 4.9. */
function versionOf(model: string): number | undefined {
  const name = model.toLowerCase();
  if (/claude-(?:instant|v?2)/.test(name)) return 2;
  // The family stood last until 3.7, and stands first since 4.
  const match =
    /claude-(\d)(?:[-.](\d{1,2}))?-[a-z]+/.exec(name) ?? /claude-[a-z]+-(\d{1,2})(?:[-.](\d{1,2})(?!\d))?/.exec(name);
  return match ? Number(match[1]) + Number(match[2] ?? 0) / 100 : undefined;
}
