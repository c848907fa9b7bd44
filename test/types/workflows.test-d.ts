import { z } from "zod";
import { contribution } from "#weftline";
import { defineNodeKind, defineWorkflow, workflowDefinitions, workflowNodes, type PluginWorkflow } from "#plugins/workflows";

const text = { agent: "writer", text: "Write about {{ input.topic }}." };

// Input and output are typed by their schemas.
export const digest = defineWorkflow({
  name: "digest",
  description: "Writes about something.",
  input: z.object({ topic: z.string(), depth: z.number().default(1) }),
  output: z.object({ text: z.string() }),
  nodes: {
    draft: { kind: "agent", config: text, retry: { attempts: 3, delay: "PT1S" }, onError: "ROUTE", errorNode: "apology", undo: "remove" },
    pick: {
      kind: "branch",
      dependsOn: ["draft"],
      config: { cases: [{ when: "size(nodes.draft.output) > 9", to: "check" }], else: "done" },
    },
    check: { kind: "approval", dependsOn: ["pick"], config: { message: "Publish?", approvers: { roles: ["admin"] } }, timeout: "P1D" },
    done: { kind: "wait", dependsOn: ["pick"], config: { signal: "go" } },
    each: {
      kind: "map",
      dependsOn: ["done", "check"],
      join: "COUNT",
      joinCount: 1,
      config: { over: "[1]", node: { kind: "tool", config: { tool: "t" } } },
    },
    keep: { kind: "notes", dependsOn: ["each"], config: { anything: 1 } },
    apology: { kind: "transform", config: { expression: "'sorry'" } },
    remove: { kind: "tool", config: { tool: "notes.remove" } },
  },
});
declare function take(workflow: PluginWorkflow<{ topic: string; depth?: number | undefined }, { text: string }>): void;
take(digest);
declare function refuse(workflow: PluginWorkflow<{ subject: string }, { text: string }>): void;
// @ts-expect-error TS2379: the input has a topic.
refuse(digest);
export const contributed = contribution(workflowDefinitions, digest.name, digest);

// Nodes name nodes that there are.
defineWorkflow({
  name: "typo",
  nodes: {
    draft: { kind: "agent", config: text },
    // @ts-expect-error TS2820: no such node.
    check: { kind: "transform", config: { expression: "1" }, dependsOn: ["draff"] },
  },
});
defineWorkflow({
  name: "typo",
  nodes: {
    // @ts-expect-error TS2820: no such node.
    draft: { kind: "agent", config: text, onError: "ROUTE", errorNode: "apologie" },
    apology: { kind: "transform", config: { expression: "1" } },
  },
});
defineWorkflow({
  name: "typo",
  nodes: {
    // @ts-expect-error TS2322: no such node.
    draft: { kind: "agent", config: text, undo: "remove" },
  },
});
defineWorkflow({
  name: "typo",
  nodes: {
    // @ts-expect-error TS2820: a branch chooses between nodes that there are.
    pick: { kind: "branch", config: { cases: [{ when: "true", to: "checks" }] } },
    check: { kind: "transform", config: { expression: "1" }, dependsOn: ["pick"] },
  },
});

// Settings are those of the kind.
defineWorkflow({
  name: "settings",
  nodes: {
    // @ts-expect-error TS2353: no such setting.
    draft: { kind: "tool", config: { tool: "t", args: {} } },
  },
});
defineWorkflow({
  name: "settings",
  nodes: {
    // @ts-expect-error TS2322: a text or an input, not both.
    draft: { kind: "agent", config: { agent: "writer", text: "hi", input: {} } },
  },
});
defineWorkflow({
  name: "settings",
  nodes: {
    // @ts-expect-error TS2322: no such policy.
    draft: { kind: "transform", config: { expression: "1" }, join: "SOME" },
  },
});
defineWorkflow({
  name: "settings",
  nodes: {
    draft: { kind: "transform", config: { expression: "1" } },
    // @ts-expect-error TS2561: no such field.
    check: { kind: "transform", config: { expression: "1" }, dependOn: ["draft"] },
  },
});

// Kinds of nodes are typed by their settings.
export const notes = defineNodeKind({
  kind: "notes",
  description: "Keeps a note.",
  config: z.strictObject({ text: z.string() }),
  run: (ctx, { text: note }) => `${ctx.key}: ${note.trim()}`,
});
export const contributedKind = contribution(workflowNodes, notes.kind, notes);
defineNodeKind({
  kind: "notes",
  description: "Keeps a note.",
  config: z.strictObject({ text: z.string() }),
  // @ts-expect-error TS2339: no such setting.
  run: (_ctx, { note }) => note,
});
