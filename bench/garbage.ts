import { readFileSync } from "node:fs";
import { join } from "node:path";

const SCAVENGE = /Scavenge .*?([\d.]+) \([\d.]+\) -> ([\d.]+) \([\d.]+\) MB.*?, ([\d.]+) \/ [\d.]+ ms/g;
const FULL = /Mark-Compact/g;

/** What the garbage collector did: a sentence from what `--trace-gc` wrote into the gateway's log. */
export class Garbage {
  private readonly path: string;
  private from = 0;

  constructor(folder: string) {
    this.path = join(folder, "log", "gateway.log");
  }

  /** Forgets what was before. */
  begin(): void {
    this.from = readFileSync(this.path).length;
  }

  /**
   * What outlives a scavenge although its call is over is moved, kept until a full collection, and paid for twice. It should
   * be next to nothing.
   *
   * @param calls How many there were since `begin`.
   */
  told(calls: number): string {
    const text = readFileSync(this.path).subarray(this.from).toString("latin1");
    const scavenges = [...text.matchAll(SCAVENGE)].map(([, before, after, ms]) => [before, after, ms].map(Number));
    let kept = 0;
    for (let i = 1; i < scavenges.length; i++) kept += Math.max(0, scavenges[i]![1]! - scavenges[i - 1]![1]!);
    const ms = scavenges.reduce((sum, one) => sum + one[2]!, 0);
    const bytes = Math.round((kept * 1e6) / calls);
    return `garbage: ${scavenges.length} scavenges of ${ms.toFixed(0)} ms in all, ${bytes} bytes a call outlived them; ${
      text.match(FULL)?.length ?? 0
    } full collections`;
  }
}
