import { describe, expect, it } from "vitest";
import type { Asked, PlannedNode, RunData, Usage, WatchedEvent } from "../../../../src/plugins/workflows/cli/run/events.ts";
import { asciiGlyphs, unicodeGlyphs, type Glyphs } from "../../../../src/plugins/workflows/cli/run/show/glyphs.ts";
import { lineOf } from "../../../../src/plugins/workflows/cli/run/show/lines.ts";
import { renderTree } from "../../../../src/plugins/workflows/cli/run/show/render.ts";
import { widthOf } from "../../../../src/plugins/workflows/cli/run/show/text.ts";
import { RunTree } from "../../../../src/plugins/workflows/cli/run/tree.ts";

const start = Date.parse("2026-01-01T00:00:00.000Z");
const noUsage: Usage = { totalTokens: 0, unpricedCalls: 0, cost: null };

function node(key: string, kind: string, dependsOn: readonly string[] = [], more: Partial<PlannedNode> = {}): PlannedNode {
  return { key, kind, name: key, dependsOn, undo: null, errorNode: null, config: {}, ...more };
}

const branch = { cases: [{ when: "true", to: "deep" }], else: "flat" };
const plan = [
  node("brief", "transform"),
  node("facts", "agent", ["brief"]),
  node("pages", "map", ["brief"]),
  node("pick", "branch", ["facts"], { config: branch }),
  node("deep", "transform", ["pick"]),
  node("flat", "transform", ["pick"]),
  node("publish", "approval", ["pages"]),
  node("unpublish", "tool"),
  node("report", "transform", ["deep", "flat", "publish"], { undo: "unpublish" }),
];

function child(id: string, name: string, framework: string, status: RunData["status"] = "QUEUED"): RunData {
  const target = { __typename: "Agent", framework: { name: framework } };
  const times = { startedAt: null, finishedAt: null, durationMs: null };
  return { id, status, targetName: name, provenance: null, ...times, failure: null, usage: noUsage, target };
}

const question: Asked = {
  id: "q1",
  kind: "REVIEW",
  status: "PENDING",
  message: "Publish it?",
  toolName: null,
  arguments: null,
  argumentsHash: null,
  responseSchema: null,
  allowed: ["APPROVE", "REJECT"],
  canDecide: true,
  expiresAt: null,
  run: { id: "root" },
  step: { key: "publish", name: "publish", nodeKey: "publish" },
};

type Said<Name> = Omit<Extract<WatchedEvent, { readonly __typename: Name }>, "__typename" | "seq" | "at" | "type" | "runId">;

/** Events as a log has them, a tenth of a second apart. */
class Log {
  readonly events: WatchedEvent[] = [];

  add<Name extends WatchedEvent["__typename"]>(name: Name, runId: string, said: Said<Name>): this {
    const seq = this.events.length + 1;
    const at = new Date(start + seq * 100).toISOString();
    this.events.push({ __typename: name, seq, at, type: name, runId, ...said } as unknown as WatchedEvent);
    return this;
  }

  status(runId: string, runStatus: RunData["status"], more: Partial<Said<"RunStatusEvent">> = {}): this {
    const none = { provenance: null, parentRunId: null, failure: null, totalUsage: null, output: null };
    return this.add("RunStatusEvent", runId, { runStatus, ...none, ...more });
  }

  started(key: string, more: Partial<Said<"StepStartedEvent">> = {}): this {
    const nodeKey = key.split("/")[0] ?? key;
    const iteration = key.includes("/") ? Number(key.split("/")[1]) : null;
    const attempt = more.attempt ?? 1;
    const said = { stepId: `${key}#${attempt}`, key, name: key, kind: "NODE", attempt, nodeKey, iteration, childRun: null };
    return this.add("StepStartedEvent", "root", { ...said, ...more });
  }

  finished(
    key: string,
    stepStatus: Said<"StepFinishedEvent">["stepStatus"] = "SUCCEEDED",
    more: Partial<Said<"StepFinishedEvent">> = {},
  ): this {
    return this.add("StepFinishedEvent", "root", { stepId: `${key}#1`, stepStatus, error: null, durationMs: 1_200, ...more });
  }

  fold(tree = new RunTree("root", plan)): RunTree {
    tree.root.name = "research";
    for (const event of this.events) tree.apply(event);
    return tree;
  }
}

function drawn(
  tree: RunTree,
  more: { readonly columns?: number; readonly rows?: number; readonly glyphs?: Glyphs } = {},
): readonly string[] {
  return renderTree(tree, {
    columns: 80,
    rows: 40,
    glyphs: unicodeGlyphs,
    paint: (_, text) => text,
    now: start + 5_000,
    frame: 0,
    ...more,
  });
}

function running(): Log {
  return new Log()
    .status("root", "QUEUED")
    .status("root", "RUNNING")
    .started("brief")
    .finished("brief")
    .started("facts", { childRun: child("c1", "researcher", "openai") })
    .started("pages")
    .status("c1", "QUEUED", { parentRunId: "root" })
    .status("c1", "RUNNING")
    .add("MessageStartedEvent", "c1", { messageId: "m1", role: "ASSISTANT" })
    .add("MessageDeltaEvent", "c1", { messageId: "m1", channel: "REASONING", text: "hidden thoughts" })
    .add("MessageDeltaEvent", "c1", { messageId: "m1", channel: "TEXT", text: "Looms are\n" })
    .add("MessageDeltaEvent", "c1", { messageId: "m1", channel: "TEXT", text: "old machines" });
}

describe("the tree of a run", () => {
  it("shows nodes in their order, the agent below its node with its framework and the end of what it says, and what is to come", () => {
    const lines = drawn(
      running()
        .add("ProgressEvent", "root", { progress: { done: 1, total: 8 } })
        .fold(),
    );
    expect(lines[0]).toMatch(/^research {2}RUNNING · 1\/8 · 4\.8 s$/);
    expect(lines[1]).toBe("├─ ✔ brief  transform · 1.2 s");
    expect(lines[2]).toMatch(/^├─ ⠋ facts {2}agent · researcher \(openai\) · 4\.5 s$/);
    expect(lines[3]).toBe("│  Looms are old machines");
    expect(lines.at(-1)).toBe("└─ ○ report  transform · after deep, flat, publish");
    expect(lines.join("\n")).not.toContain("unpublish");
    expect(lines.join("\n")).not.toContain("hidden");
  });

  it("folds the items of a map into figures, and names failures", () => {
    const log = running();
    for (const item of [0, 1, 2, 3]) log.started(`pages/${item}`);
    log.finished("pages/0").finished("pages/1", "FAILED", { error: "It is gone." });
    const tree = log.fold();
    expect(drawn(tree).find((line) => line.includes("pages"))).toContain("map · 2/4, 1 failed");
    tree.totals.set("pages", 10);
    expect(drawn(tree).find((line) => line.includes("pages"))).toContain("map · 2/10, 1 failed");
  });

  it("says which node a branch chose, skips the other, and shows a retry as one attempt more", () => {
    const tree = running()
      .finished("facts", "FAILED", { error: "The provider is away." })
      .started("facts", { attempt: 2, stepId: "facts#2" })
      .add("StepFinishedEvent", "root", { stepId: "facts#2", stepStatus: "SUCCEEDED", error: null, durationMs: 30 })
      .started("pick")
      .finished("pick")
      .started("deep")
      .finished("deep", "SKIPPED")
      .fold();
    const text = drawn(tree).join("\n");
    expect(text).toContain("✔ facts  agent · attempt 2 · 30 ms");
    expect(text).toContain("✔ pick  branch · → flat · 1.2 s");
    expect(text).toContain("– deep  transform\n");
    expect(text).not.toContain("The provider is away.");
  });

  it("shows what a person is asked until it is decided", () => {
    const log = running()
      .started("publish")
      .add("InterruptEvent", "root", { interruptId: "q1", interruptStatus: "PENDING", interrupt: question });
    const asked = drawn(log.fold());
    expect(asked.find((line) => line.includes("publish  "))).toContain("? publish  approval");
    expect(asked.at(-1)).toBe("? publish: Publish it?");
    log.add("InterruptEvent", "root", { interruptId: "q1", interruptStatus: "RESOLVED", interrupt: { ...question, status: "RESOLVED" } });
    expect(drawn(log.fold()).join("\n")).not.toContain("Publish it?");
  });

  it("is RUNNING while a node is at work and WAITING while all that is open waits, whatever its turn does", () => {
    const log = running().status("root", "WAITING");
    expect(drawn(log.fold())[0]).toContain("RUNNING");
    log.status("root", "RUNNING").finished("facts").finished("pages").started("publish");
    log.add("InterruptEvent", "root", { interruptId: "q1", interruptStatus: "PENDING", interrupt: question });
    expect(drawn(log.fold())[0]).toContain("WAITING");
    log.finished("publish");
    expect(drawn(log.fold())[0]).toContain("RUNNING");
  });

  it("says which node asks, also from a run below", () => {
    const below = { ...question, id: "q2", message: "Send it?", run: { id: "c1" }, step: null };
    const item = { ...question, id: "q3", message: "Keep it?", step: { key: "pages/2", name: "pages", nodeKey: "pages" } };
    const log = running();
    for (const asked of [below, item])
      log.add("InterruptEvent", asked.run?.id ?? "", { interruptId: asked.id, interruptStatus: "PENDING", interrupt: asked });
    const lines = drawn(log.fold());
    expect(lines.slice(-2)).toEqual(["? facts: Send it?", "? pages/2: Keep it?"]);
    expect(lines.find((line) => line.includes(" facts "))).toContain("? facts");
  });

  it("marks simulated answers, adds up tokens and money, and does not call an unknown price none", () => {
    const simulated = { totalTokens: 1_200, unpricedCalls: 0, cost: { amount: "0", currency: "USD", priceSource: "simulated" } };
    const log = running().add("UsageRecordedEvent", "c1", { provider: "simulated", model: "default", usage: simulated });
    expect(drawn(log.fold())[0]).toContain("SIMULATED · 1,200 tokens · 0 USD");
    expect(drawn(log.fold()).find((line) => line.includes("facts"))).toContain("SIMULATED");
    log.add("UsageRecordedEvent", "c2", { provider: "x", model: "y", usage: { totalTokens: 10, unpricedCalls: 1, cost: null } });
    expect(drawn(log.fold(), { columns: 120 })[0]).toContain("1,210 tokens · 0 USD and 1 calls without a price");
  });

  it("shows a failed run with its error, and what undid it", () => {
    const tree = running()
      .finished("facts", "FAILED", { error: "The provider\nis \u001b[31maway." })
      .started("unpublish")
      .finished("unpublish")
      .status("root", "FAILED", { failure: { code: "NODE_FAILED", message: "facts failed" } })
      .fold();
    const text = drawn(tree).join("\n");
    expect(text).toContain("✖ facts");
    expect(text).toContain("│  The provider is [31maway.");
    expect(text).toContain("✔ unpublish  tool · undo");
    expect(text).toContain("⊘ pages");
  });

  it("comes out the same however often events come, and from a snapshot and a list of steps", () => {
    const log = running().finished("facts").status("c1", "SUCCEEDED");
    const once = drawn(log.fold());
    expect(drawn(log.fold(log.fold()))).toEqual(once);
    const tree = new RunTree("root", plan);
    tree.root.name = "research";
    const root = { ...child("root", "research", "x", "RUNNING"), startedAt: new Date(start + 200).toISOString(), target: null };
    const snapshot = { messages: [], runs: [root, child("c1", "researcher", "openai", "SUCCEEDED")], interrupts: [] };
    for (const event of new Log().add("RunSnapshotEvent", "root", snapshot).events) tree.apply(event);
    const steps = [
      ["brief", "SUCCEEDED", 300],
      ["facts", "SUCCEEDED", 500],
      ["pages", "RUNNING", 600],
    ] as const;
    for (const [key, stepStatus, at] of steps) {
      const childRun = key === "facts" ? child("c1", "researcher", "openai", "SUCCEEDED") : null;
      const step = { stepId: `${key}#1`, key, attempt: 1, nodeKey: key, iteration: null, startedAt: start + at, childRun };
      tree.noteStarted("root", step);
      if (stepStatus !== "RUNNING") tree.noteFinished({ stepId: `${key}#1`, stepStatus, error: null, durationMs: 1_200 });
    }
    expect(drawn(tree)).toEqual(once);
  });

  it.each([24, 40, 79])("fits into %i columns and the rows that there are, also with wide characters", (columns) => {
    const log = running();
    log.add("MessageDeltaEvent", "c1", { messageId: "m1", channel: "TEXT", text: "織機は糸を織る機械です。".repeat(20) });
    for (const glyphs of [unicodeGlyphs, asciiGlyphs]) {
      const lines = drawn(log.fold(), { columns, rows: 7, glyphs });
      expect(lines.length).toBeLessThanOrEqual(7);
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
      expect(lines.join("\n")).toContain("facts");
      expect(lines.join("\n")).toMatch(/\(\d ended|to come\)/);
    }
    // oxlint-disable-next-line no-control-regex -- ASCII begins with control characters
    expect(drawn(running().fold(), { columns, glyphs: asciiGlyphs }).join("\n")).toMatch(/^[\x00-\x7F]*$/);
  });

  it("is told in plain lines without a terminal", () => {
    const log = running().finished("facts", "FAILED", { error: "It is gone." });
    const tree = new RunTree("root", plan);
    tree.root.name = "research";
    const lines = log.events.flatMap((event) => {
      tree.apply(event);
      return lineOf(tree, event) ?? [];
    });
    expect(lines).toEqual([
      "[0 ms] research: queued",
      "[0 ms] research: running",
      "[100 ms] research: brief started",
      "[200 ms] research: brief succeeded in 1.2 s",
      "[300 ms] research: facts started: runs researcher",
      "[400 ms] research: pages started",
      "[500 ms] researcher (openai): queued",
      "[600 ms] researcher (openai): running",
      "[1.1 s] research: facts failed in 1.2 s: It is gone.",
    ]);
  });
});
