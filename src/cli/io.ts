/** What a command has of the process: no command touches more. */
export interface Io {
  /** Standard output: results alone. */
  out(text: string): void;
  /** Standard error: a line for a person. */
  say(line: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ended by Ctrl-C; ends streams. */
  readonly signal: AbortSignal;
}

/** What a command came to. Scripts may rely on these. */
export const EXIT = {
  ok: 0,
  /** `diff` found differences; `audit verify` found a break. */
  differs: 1,
  /** The command line, a file or a field of the request is wrong. */
  invalid: 2,
  notFound: 3,
  /** No key, a wrong one, or one that may not do this. */
  notAllowed: 4,
  /** Stale, taken, or owned by the config file. */
  conflict: 5,
  /** The gateway or its store cannot be reached, or did not answer in time. */
  unavailable: 6,
  /** Anything else, such as a defect of the gateway. */
  failed: 7,
} as const;

/** One of them. */
export type Exit = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command with a line for a person. */
export class CommandFailed extends Error {
  readonly exit: Exit;
  constructor(message: string, exit: Exit) {
    super(message);
    this.name = "CommandFailed";
    this.exit = exit;
  }
}
