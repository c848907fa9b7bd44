import { defineConfig } from "vitest/config";

/** Suites that need more than Node and this package; each has a command of its own. */
const needsMore = ["test/postgres/**", "test/browser/**", "test/package/**"];

export default defineConfig({
  ssr: {
    resolve: {
      // Tests and packages must resolve `graphql` to one and the same file, or schemas come "from another realm".
      conditions: ["node", "module-sync", "import", "default"],
    },
  },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["**/node_modules/**", ...needsMore],
    // Processes, not threads: tests open native database handles, send signals and change the working directory.
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    teardownTimeout: 5_000,
    environment: "node",
    typecheck: { enabled: false },
  },
});
