import { defineConfig } from "vitest/config";

/** Suites that need more than Node and this package, or more time; each has a command of its own, as `npm run test:<suite>`. */
const suites = {
  kill: {
    include: [
      "test/faults/**/*.test.ts",
      "test/e2e/kill.test.ts",
      "test/e2e/memory.test.ts",
      "test/e2e/kill-tools.test.ts",
      "test/e2e/kill-budget.test.ts",
      "test/e2e/kill-jobs.test.ts",
      "test/e2e/kill-reindex.test.ts",
      "test/e2e/without-extension.test.ts",
      "test/e2e/erased.test.ts",
      "test/e2e/attach-run.test.ts",
      "test/e2e/stopped.test.ts",
      "test/e2e/data-folders.test.ts",
      "test/e2e/backup.test.ts",
      "test/plugins/langgraph/two-processes.test.ts",
      "test/plugins/langgraph/remote-breaks.test.ts",
    ],
  },
  conformance: {
    include: [
      "test/conformance/wire/**/*.test.ts",
      "test/conformance/table.test.ts",
      "test/conformance/fake-runtime.test.ts",
      "test/conformance/first-runs.test.ts",
      "test/conformance/node-kinds/**/*.test.ts",
      "test/conformance/memory/**/*.test.ts",
      "test/plugins/memory/embedders/openai.test.ts",
      "test/plugins/memory/many.test.ts",
      "test/plugins/memory/quality.test.ts",
      "test/plugins/memory/restarts.test.ts",
      "test/e2e/provider/**/*.test.ts",
      "test/plugins/crewai/recorded.test.ts",
    ],
    isolate: false,
  },
  docs: { include: ["test/docs/**/*.test.ts"] },
  security: { include: ["test/security/ownership.test.ts", "test/security/live.test.ts", "test/security/memory-isolation.test.ts"] },
  strangers: { include: ["test/strangers/**/*.test.ts"], globalSetup: "test/strangers/server.ts", testTimeout: 60_000 },
  attacks: { include: ["test/attacks/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000 },
  crewai: { include: ["test/crewai/**/*.test.ts"], testTimeout: 240_000, hookTimeout: 240_000 },
  browser: { include: ["test/browser/**/*.test.ts"], testTimeout: 120_000, hookTimeout: 60_000 },
};
const apart = ["test/package/**", ...Object.values(suites).flatMap(({ include }) => include)];

export default defineConfig({
  ssr: {
    resolve: {
      // Tests and packages must resolve `graphql` to one and the same file, or schemas come "from another realm".
      conditions: ["node", "module-sync", "import", "default"],
    },
  },
  test: {
    // Processes, not threads: tests open native database handles, send signals and change the working directory.
    pool: "forks",
    // One more than the cores of a small machine: every third test waits for a pause, a process or a line that stays silent.
    maxWorkers: 3,
    // How long something takes on a busy machine decides nothing: these limits end what would never end.
    testTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    hookTimeout: 120_000,
    teardownTimeout: 5_000,
    environment: "node",
    typecheck: { enabled: false },
    projects: [
      {
        extends: true,
        // Files share the modules of their worker: loading them all is most of what a file would cost. Nothing in them keeps state.
        test: { name: "node", include: ["test/**/*.test.ts"], exclude: ["**/node_modules/**", ...apart], isolate: false },
      },
      ...Object.entries(suites).map(([name, suite]) => ({ extends: true as const, test: { name, ...suite } })),
    ],
  },
});
