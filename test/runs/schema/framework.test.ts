import { describe, expect, it } from "vitest";
import {
  WeftlineError,
  contribution,
  defineJob,
  definePlugin,
  globalId,
  jobs,
  runtimes,
  type AgentRuntime,
  type RuntimeStatus,
} from "#weftline";
import { collect, testPlatform } from "../../../src/testing/index.ts";
import { alice, bootLoom, bootRows } from "./fixtures.ts";
import { say } from "../fixtures.ts";

const features = {
  streaming: true,
  tools: false,
  interrupts: false,
  resume: true,
  steps: false,
  state: false,
  structuredOutput: false,
  usage: true,
};

function framework(id: string, status: () => RuntimeStatus | Promise<RuntimeStatus>): AgentRuntime<never> {
  return {
    id,
    features,
    options: { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value: value as never }) } },
    optionsSchema: { type: "object" },
    sdk: { name: `${id}-sdk`, version: "1.2.3" },
    status,
    models: () => ["local/small"],
    stream: () => say([]),
  };
}

const looms = definePlugin({
  id: "looms",
  contributes: [
    contribution(
      runtimes,
      "hand",
      framework("hand", () => ({ mode: "SIMULATED", reason: "No key.", fix: "Set one." })),
    ),
    contribution(
      runtimes,
      "power",
      framework("power", async () => ({ mode: "LIVE" })),
    ),
    contribution(
      runtimes,
      "broken",
      framework("broken", () => Promise.reject(new Error("secret key sk-1"))),
    ),
    contribution(
      runtimes,
      "gone",
      framework("gone", () => {
        throw new WeftlineError("UNAVAILABLE", { what: "The loom", reason: "it is gone.", fix: "Buy one." });
      }),
    ),
    contribution(jobs, "looms.clean", defineJob({ name: "looms.clean", run: () => undefined })),
  ],
});

describe("frameworks", () => {
  it("are listed with how they stand, also where one cannot say", async () => {
    await using app = await testPlatform({ plugins: [looms()] });
    const query =
      "{ frameworks { id name mode reason fix sdk sdkVersion models optionsSchema features { streaming tools interrupts resume steps state structuredOutput usage } } }";
    const { frameworks } = await app.graphql<{ frameworks: object[] }>(query, {}, alice);
    const same = { sdkVersion: "1.2.3", optionsSchema: { type: "object" }, features };
    expect(frameworks).toEqual([
      {
        id: globalId("Framework", "hand"),
        name: "hand",
        mode: "SIMULATED",
        reason: "No key.",
        fix: "Set one.",
        sdk: "hand-sdk",
        models: ["local/small"],
        ...same,
      },
      {
        id: globalId("Framework", "power"),
        name: "power",
        mode: "LIVE",
        reason: null,
        fix: null,
        sdk: "power-sdk",
        models: ["local/small"],
        ...same,
      },
      {
        id: globalId("Framework", "broken"),
        name: "broken",
        mode: "UNAVAILABLE",
        reason: "It did not say how it stands.",
        fix: "Look into the log of the server.",
        sdk: "broken-sdk",
        models: [],
        ...same,
      },
      {
        id: globalId("Framework", "gone"),
        name: "gone",
        mode: "UNAVAILABLE",
        reason: "The loom is not available: it is gone.",
        fix: "Buy one.",
        sdk: "gone-sdk",
        models: [],
        ...same,
      },
    ]);
    const { nodes } = await app.graphql<{ nodes: unknown[] }>(
      "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Framework { mode } ... on Job { name plugin } } }",
      { ids: [globalId("Framework", "power"), globalId("Framework", "none"), globalId("Job", "looms.clean"), globalId("Job", "none")] },
      alice,
    );
    expect(nodes).toEqual([
      { __typename: "Framework", id: globalId("Framework", "power"), mode: "LIVE" },
      null,
      { __typename: "Job", id: globalId("Job", "looms.clean"), name: "looms.clean", plugin: "looms" },
      null,
    ]);
  });
});

describe("events of kinds that plugins add", () => {
  it("are shown as custom events with their kind for a name", async () => {
    const rows = await bootRows();
    await rows.run("r");
    await rows.events("r", [
      ["run.queued", {}],
      ["memory.saved", { records: ["m1"] }],
      ["memory.bare", null],
    ]);
    const { run } = await rows.app.graphql<{ run: { events: object[] } }>(
      "query ($id: ID!) { run(id: $id) { events(after: 1) { __typename type ... on CustomEvent { name data } } } }",
      { id: globalId("Run", "r") },
      alice,
    );
    expect(run.events).toEqual([
      { __typename: "CustomEvent", type: "memory.saved", name: "memory.saved", data: { records: ["m1"] } },
      { __typename: "CustomEvent", type: "memory.bare", name: "memory.bare", data: null },
    ]);
    await rows.app.close();
  });
});

describe("the graph of a host where nothing can be run", () => {
  it("is valid, and says so", async () => {
    await using app = await testPlatform({ plugins: [] });
    const answer = await app.graphql(
      "mutation { startRun(input: { target: { none: true } }) { __typename ... on UserError { code } } }",
      {},
      alice,
    );
    expect(answer).toEqual({ startRun: { __typename: "NotFoundError", code: "NOT_FOUND" } });
  });

  it("has no such field where something can", async () => {
    await using app = await bootLoom({ turn: () => say(["Done."]) });
    await expect(app.graphql("mutation { startRun(input: { target: { none: true } }) { __typename } }", {}, alice)).rejects.toThrow(/none/);
    const { startRun } = await app.graphql<{ startRun: { run: { id: string } } }>(
      'mutation { startRun(input: { target: { pattern: "twill" } }) { ... on StartRunPayload { run { id } } } }',
      {},
      alice,
    );
    await collect(app.subscribe("subscription ($run: ID!) { runEvents(run: $run) { seq } }", { run: startRun.run.id }, alice));
  });
});
