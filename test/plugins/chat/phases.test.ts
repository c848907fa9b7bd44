import { describe, expect, it } from "vitest";
import type { LoggedEvent } from "#weftline";
import { Phases, type SeededRun } from "../../../src/plugins/chat/service/activity/phases.ts";

let seq = 0;
const say = (kind: string, payload: unknown = {}, runId = "r1"): LoggedEvent => ({ seq: ++seq, at: 0, kind, runId, payload });

function seeded(runs: readonly SeededRun[] = []): Phases {
  const phases = new Phases();
  phases.seed(runs);
  return phases;
}

const shown = (phases: Phases): string[] =>
  phases.list().map(({ runId, phase, toolName }) => [runId, phase, toolName ?? ""].join(" ").trim());

describe("phases of runs", () => {
  it("follow a run from its place in the queue to its end", () => {
    const phases = seeded();
    const steps: [LoggedEvent, string[]][] = [
      [say("run.queued"), ["r1 WAITING"]],
      [say("run.started"), ["r1 THINKING"]],
      [say("message.started", { m: 1 }), ["r1 THINKING"]],
      [say("message.delta", [1, 0, "Hm", 1]), ["r1 THINKING"]],
      [say("message.delta", [1, 1, "Hello"]), ["r1 WRITING"]],
      [say("tool.requested", { c: 1, name: "time.now" }), ["r1 WRITING"]],
      [say("message.finished", { m: 1 }), ["r1 THINKING"]],
      [say("tool.started", { c: 1 }), ["r1 CALLING_TOOL time.now"]],
      [say("tool.finished", { c: 1 }), ["r1 THINKING"]],
      [say("run.waiting"), ["r1 WAITING"]],
      [say("run.resumed"), ["r1 THINKING"]],
      [say("run.finished"), []],
    ];
    for (const [event, expected] of steps) {
      phases.hear(event);
      expect([event.kind, ...shown(phases)]).toEqual([event.kind, ...expected]);
    }
  });

  it("name the tool that is still at work when two run side by side", () => {
    const phases = seeded();
    for (const [c, name] of [
      [1, "a"],
      [2, "b"],
    ] as const)
      phases.hear(say("tool.requested", { c, name }));
    for (const c of [1, 2]) phases.hear(say("tool.started", { c }));
    expect(shown(phases)).toEqual(["r1 CALLING_TOOL b"]);
    phases.hear(say("tool.finished", { c: 2 }));
    expect(shown(phases)).toEqual(["r1 CALLING_TOOL a"]);
    phases.hear(say("tool.finished", { c: 1 }));
    expect(shown(phases)).toEqual(["r1 THINKING"]);
  });

  it("stay with the tool when the message around the call ends after the call began", () => {
    const phases = seeded();
    for (const event of [say("tool.requested", { c: 1, name: "a" }), say("tool.started", { c: 1 }), say("message.finished", { m: 1 })])
      phases.hear(event);
    expect(shown(phases)).toEqual(["r1 CALLING_TOOL a"]);
  });

  it("tell apart what changed from what did not", () => {
    const phases = seeded();
    expect(phases.hear(say("message.delta", [1, 0, "a"]))).toBe(true);
    expect(phases.hear(say("message.delta", [1, 0, "b"]))).toBe(false);
    expect(phases.hear(say("usage.recorded"))).toBe(false);
    expect(phases.hear({ seq: 1, at: 0, kind: "message.added", payload: {} })).toBe(false);
  });

  it("put what was heard while the database was read on top of what it said", () => {
    const phases = new Phases();
    phases.hear(say("run.finished", {}, "gone"));
    phases.hear(say("message.delta", [1, 0, "a"], "writes"));
    phases.hear(say("tool.finished", { c: 1 }, "tool"));
    expect(shown(phases)).toEqual([]);
    const open = (runId: string, more: Partial<SeededRun>): SeededRun => ({ runId, phase: "THINKING", toolName: null, calls: [], ...more });
    phases.seed([
      open("gone", { phase: "WRITING" }),
      open("writes", { phase: "WAITING" }),
      open("tool", { phase: "CALLING_TOOL", calls: [{ num: 1, name: "a", state: "running" }] }),
      open("other", { phase: "CALLING_TOOL", calls: [{ num: 3, name: "c", state: "running" }] }),
    ]);
    expect(shown(phases)).toEqual(["writes WRITING", "tool THINKING", "other CALLING_TOOL c"]);
  });

  it("know the name of a call that was asked for before anybody watched", () => {
    const phases = seeded([{ runId: "r1", phase: "WAITING", toolName: null, calls: [{ num: 4, name: "mail.send", state: "requested" }] }]);
    phases.hear(say("run.resumed"));
    phases.hear(say("tool.started", { c: 4 }));
    expect(shown(phases)).toEqual(["r1 CALLING_TOOL mail.send"]);
  });
});
