import { expect, it } from "vitest";
import { RunMetrics } from "../../../src/plugins/metrics/run-metrics.ts";

const most = 10_000;

/** The log of 10,000 agents' runs, each with a call of another tool and of another model, half of which come to no end. */
function heard(isInstalledTool: (name: string) => boolean): RunMetrics {
  const metrics = new RunMetrics({
    programOf: (runId) => ({ targetType: "Agent", plugin: "openai", framework: "openai", provider: `p-${runId}`, model: `m-${runId}` }),
    isInstalledTool,
    namesPerLabel: 100,
  });
  for (let n = 0; n < most; n++) {
    const runId = `run-${n}`;
    const event = (kind: string, payload: unknown) => ({ seq: n, at: n, kind, payload, runId });
    metrics.hear([
      event("run.queued", {}),
      event("tool.requested", { c: 1, name: `tool.${n}` }),
      event("step.started", { s: 1, key: "m", name: "m", stepKind: "MODEL", attempt: 1 }),
    ]);
    if (n % 2 === 0) continue;
    metrics.hear([
      event("tool.finished", { c: 1, status: "SUCCESS", ms: 5 }),
      event("step.finished", { s: 1, status: "SUCCEEDED", ms: 5 }),
      event("run.finished", { provenance: "LIVE" }),
    ]);
  }
  return metrics;
}

const total = (samples: readonly { readonly value: number }[]): number => samples.reduce((sum, { value }) => sum + value, 0);

it("keeps a hundred tools and models apart, counts the rest as other, and loses none", () => {
  const metrics = heard(() => true);
  expect(metrics.queued).toBe(most);
  expect(metrics.toolCalls.samples().length).toBeLessThanOrEqual(101);
  expect(metrics.modelCalls.samples().length).toBeLessThanOrEqual(101);
  for (const counts of [metrics.toolCalls, metrics.modelCalls, metrics.ended]) expect(total(counts.samples())).toBe(most / 2);
  expect(metrics.toolSeconds.samples("x").length).toBeLessThanOrEqual(101 * 15);
  expect(metrics.ended.samples()).toEqual([{ labels: { status: "SUCCEEDED", framework: "openai", provenance: "LIVE" }, value: most / 2 }]);
});

it("shows no tool that a tenant named", () => {
  const metrics = heard(() => false);
  expect(metrics.toolCalls.samples()).toEqual([{ labels: { tool: "other", status: "SUCCESS" }, value: most / 2 }]);
});
