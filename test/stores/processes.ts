/** Processes that write to a ledger. */
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import type { LedgerSettings } from "../../src/core/ledger.ts";

const SCRIPT = fileURLToPath(new URL("writer.ts", import.meta.url));

export interface Writer {
  readonly process: ChildProcess;
  /** What it said so far. */
  readonly lines: readonly string[];
  /** The newest number that was acknowledged. */
  acknowledged(): number;
  /** Resolves when it has said this many lines, or ended. */
  said(lines: number): Promise<void>;
  readonly ended: Promise<unknown>;
}

/** @param shell Runs before it, in the same process. */
export function startWriter(
  kind: string,
  settings: Partial<LedgerSettings>,
  options: SpawnOptions & { readonly shell?: string } = {},
): Writer {
  const { shell = ":", ...rest } = options;
  const command = `${shell}; exec "$0" "$@"`;
  const child = spawn("bash", ["-c", command, process.execPath, SCRIPT, kind, JSON.stringify(settings)], {
    stdio: ["ignore", "pipe", "inherit"],
    ...rest,
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const one of waiting) one();
  };
  const reader = createInterface({ input: child.stdout! }).on("line", (line) => {
    lines.push(line);
    wake();
  });
  const ended = Promise.all([once(child, "exit"), once(reader, "close")]);
  void ended.then(wake);
  return {
    process: child,
    lines,
    acknowledged: () => Number(lines.findLast((line) => /^\d+$/.test(line)) ?? 0),
    said: (many) =>
      new Promise((resolve) => {
        const look = () => {
          if (lines.length < many && child.exitCode === null && child.signalCode === null) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    ended,
  };
}
