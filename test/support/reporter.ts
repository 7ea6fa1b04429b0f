/** Closes a run with one line of counts and, if tests were left out, one that says which and why. */
import type { Reporter, TestModule } from "vitest/node";

/** For `reporters` in vitest.config.ts, after the default one. */
export class ClosingLines implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    const leftOut = new Set<string>();
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const result = test.result();
        count[result.state] += 1;
        // Tests that a failed set-up took with it are no choice of anybody's.
        if (result.state === "skipped" && (result.note || module.ok())) leftOut.add(result.note ?? test.fullName);
      }
      // A file that does not load has no tests to count, and is a failure all the same.
      if (module.state() === "failed" && module.errors().length > 0) count.failed += 1;
    }
    if (leftOut.size > 0) {
      console.log(`left out: ${[...leftOut].join("; ")} (scripts/ci-tools.sh installs the clients)`);
    }
    console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
  }
}
