import { defineConfig } from "vitest/config";
import { ClosingLines } from "./test/support/reporter.ts";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    pool: "forks",
    testTimeout: 20_000,
    hookTimeout: 120_000,
    reporters: ["default", new ClosingLines()],
  },
});
