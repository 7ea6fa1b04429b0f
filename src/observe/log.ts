import { type Logger, pino, stdTimeFunctions } from "pino";
import { Redactor } from "./redact.ts";
import { stdoutWriter } from "./writer.ts";

/** Severities of the log, and `silent`. */
export type Level = "trace" | "debug" | "info" | "warn" | "error" | "silent";

/** Severities of lines. */
export type Severity = Exclude<Level, "silent">;

/** The gateway's log: one JSON object a line. Whoever writes a text from outside cleans it by `redactor` first. */
export interface Log {
  /** The least serious lines that are written. */
  level: string;
  readonly redactor: Redactor;
  /** Lines that were lost because nobody read the log. */
  readonly dropped: number;
  enabled(level: Level): boolean;
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** A line whose members are JSON text already, without braces, and fit to be logged. */
  write(severity: Severity, members: string, message: string): void;
  /** Registers the secrets of a config that comes into force, to be masked in every line. */
  redactValues(values: Iterable<string>): void;
  /** Writes what waits, at once. At the end of the process that happens by itself. */
  flush(): void;
}

/** Where a log goes in place of standard output. */
export interface LogOptions {
  readonly level?: Level;
  /** Takes each line, with its final newline. */
  readonly to?: { write(line: string): void };
}

/** Opens the log. Nothing that happens to its reader stops the gateway. */
export function createLog({ level = "info", to }: LogOptions = {}): Log {
  const redactor = new Redactor();
  const out = to === undefined ? stdoutWriter() : undefined;
  const dest = to ?? out!;
  const lines: Logger = pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    dest,
  );
  return {
    redactor,
    get level() {
      return lines.level;
    },
    set level(to: string) {
      lines.level = to;
    },
    get dropped() {
      return out?.lost ?? 0;
    },
    enabled: (severity) => lines.isLevelEnabled(severity),
    debug: (fields, message) => lines.debug(fields, message),
    info: (fields, message) => lines.info(fields, message),
    warn: (fields, message) => lines.warn(fields, message),
    error: (fields, message) => lines.error(fields, message),
    write(severity, members, message) {
      if (!lines.isLevelEnabled(severity)) return;
      dest.write(`{"level":"${severity}","time":"${isoNow()}",${members},"msg":"${message}"}\n`);
    },
    redactValues: (values) => redactor.redactValues(values),
    flush: () => out?.flush(),
  };
}

let second = Number.NaN;
let prefix = "";

/** The time as pino writes it. All of a second's lines begin alike. */
function isoNow(): string {
  const now = Date.now();
  const ms = now % 1000;
  if (now - ms !== second) {
    second = now - ms;
    prefix = new Date(second).toISOString().slice(0, 20);
  }
  return `${prefix}${ms < 10 ? "00" : ms < 100 ? "0" : ""}${ms}Z`;
}
