import { readdirSync, readFileSync } from "node:fs";

/** Linux only: what a process and its children took, from /proc. */

const TICKS_PER_SECOND = 100;

/** A process and all below it, by their ids. */
export function tree(pid: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(fields(Number(name))?.[1]);
    const siblings = children.get(parent);
    if (siblings) siblings.push(Number(name));
    else children.set(parent, [Number(name)]);
  }
  const all = [pid];
  for (let i = 0; i < all.length; i++) all.push(...(children.get(all[i]!) ?? []));
  return all;
}

/**
 * CPU time so far in microseconds, user and system, all threads. The scheduler's own count where the kernel has one, which
 * is exact; else `utime + stime`, which has a resolution of 10 ms.
 */
export function cpuOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + (exact(pid) ?? coarse(pid)), 0);
}

/** Resident memory now, in megabytes of 10^6 bytes. */
export function memoryOf(pids: readonly number[]): number {
  const resident = (pid: number) => Number(/VmRSS:\s+(\d+) kB/.exec(read(`/proc/${pid}/status`) ?? "")?.[1] ?? 0);
  return pids.reduce((sum, pid) => sum + resident(pid), 0) * 1.024e-3;
}

/** Samples the memory until stopped; the most that was seen. */
export function watchMemory(pids: readonly number[], everyMs = 20): { stop(): number } {
  let most = memoryOf(pids);
  const timer = setInterval(() => {
    most = Math.max(most, memoryOf(pids));
  }, everyMs);
  return {
    stop() {
      clearInterval(timer);
      return most;
    },
  };
}

function exact(pid: number): number | undefined {
  let sum = 0;
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const text = read(`/proc/${pid}/task/${thread}/schedstat`);
      if (text === undefined) return undefined;
      sum += Number(text.split(" ")[0]);
    }
  } catch {
    return undefined;
  }
  return sum / 1000;
}

function coarse(pid: number): number {
  const all = fields(pid);
  return all === undefined ? 0 : ((Number(all[11]) + Number(all[12])) * 1e6) / TICKS_PER_SECOND;
}

/** Of /proc/PID/stat, from the state on: the name before it may hold anything. */
function fields(pid: number): readonly string[] | undefined {
  const text = read(`/proc/${pid}/stat`);
  return text?.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** `undefined`: there is no such file, or the process has ended. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
