import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";

/** What is run. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Told each line that it writes, to whichever of its outputs. */
  readonly line: (text: string) => void;
}

/** A program that runs, with all that it started. */
export interface ServerProcess {
  /** Resolves with why, when the program itself has ended; what it started may go on. */
  readonly ended: Promise<string>;
  /** Resolves when all that it started has ended, too; soon after SIGKILL whatever left the group and still holds its outputs. */
  readonly closed: Promise<void>;
  /** Sends a signal to the program and to all that it started and that stayed in its group. */
  signal(name: "SIGTERM" | "SIGKILL"): void;
}

/** Longest line that is told whole. */
const MAX_LINE = 4096;
/** From SIGKILL to when nobody waits for those any more that went out of the group, as daemons do. */
const LEFT_MS = 500;

/**
 * Begins with a guard that reads a pipe of ours which nobody ever writes to: however the gateway ends, by `kill -9` too, the
 * system closes the pipe, and the guard ends the whole group. Then the shell becomes the program.
 */
const GUARDED = '{ read -r _ <&3; kill -KILL 0; } </dev/null >/dev/null 2>&1 & exec 3<&- "$@"';

/** Starts a program in a process group of its own. Needs a POSIX shell. */
export function startProcess({ command, args, env, line }: Program): ServerProcess {
  const child = spawn("/bin/sh", ["-c", GUARDED, "sh", command, ...args], {
    env,
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    detached: true,
  });
  const signal = (name: "SIGTERM" | "SIGKILL") => {
    signalGroup(child, name);
    if (name === "SIGKILL") setTimeout(() => letGo(child), LEFT_MS).unref();
  };
  // The pipe breaks when the guard ends first.
  child.stdio[3]!.on("error", () => {});
  for (const stream of [child.stdout, child.stderr]) lines(stream!, line);
  const ended = Promise.withResolvers<string>();
  const closed = Promise.withResolvers<void>();
  child.once("error", (error) => {
    ended.resolve(error.message);
    closed.resolve();
  });
  child.once("exit", (code, by) => ended.resolve(by === null ? `exit code ${code}` : by));
  child.once("close", () => closed.resolve());
  return { ended: ended.promise, closed: closed.promise, signal };
}

/** Closes our ends of its pipes, without which a child counts as open. */
function letGo({ stdio }: ChildProcess): void {
  for (const stream of stdio) stream?.destroy();
}

function signalGroup({ pid }: ChildProcess, name: "SIGTERM" | "SIGKILL"): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch {
    // Nobody is left in it.
  }
}

function lines(stream: Readable, told: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    const parts = (rest + text).split(/\r?\n/);
    rest = parts.pop()!;
    for (; rest.length > MAX_LINE; rest = rest.slice(MAX_LINE)) parts.push(rest.slice(0, MAX_LINE));
    for (const part of parts) if (part.trim() !== "") told(part);
  });
  stream.on("error", () => {});
  stream.on("end", () => rest.trim() !== "" && told(rest));
}
