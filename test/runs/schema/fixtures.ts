import type { RequiredEntityData } from "@mikro-orm/core";
import {
  Interrupt,
  Message,
  Run,
  Step,
  ToolCall,
  UsageRow,
  WeftlineError,
  definePlugin,
  extendInput,
  globalId,
  nodeType,
  RunTarget,
  runTargets,
  type Viewer,
} from "#weftline";
import { testPlatform, testViewer, type TestPlatform } from "../../../src/testing/index.ts";
import { castPlugin, type Cast } from "../fixtures.ts";

export const alice = testViewer("alice");
export const bob = testViewer("bob");
export const eve = testViewer("alice", { tenantId: "other" });
export const admin = testViewer("ada", { roles: ["admin"] });
export const auditor = testViewer("otto", { roles: ["admin", "audit"] });

/** Who may see nothing of what belongs to alice. */
export const strangers: readonly (readonly [string, Viewer])[] = [
  ["another user", bob],
  ["a user of the same name in another tenant", eve],
  ["an admin of another tenant", testViewer("root", { tenantId: "other", roles: ["admin", "audit"] })],
  ["an auditor who is no admin", testViewer("olga", { roles: ["audit"] })],
];

/** The type key of what runs run here. */
export class LoomPattern extends RunTarget {}

const pattern = (id: string): LoomPattern => Object.assign(new LoomPattern(), { id, name: `Pattern ${id}` });

/** A plugin with a target of its own: patterns, by any name but "lost". */
const loom = definePlugin({
  id: "loom",
  schema: (builder) => {
    nodeType(builder, LoomPattern, {
      name: "LoomPattern",
      description: "A pattern.",
      interfaces: [RunTarget],
      ownership: { rule: "INSTALLED" },
      load: async (ids) => ids.map((id) => (id === "lost" ? undefined : pattern(id))),
      fields: () => ({}),
    });
    extendInput(builder, "RunTargetInput", (t) => ({ pattern: t.string({ description: "A pattern by its name." }) }));
  },
  setup: ({ contribute }) => {
    contribute(runTargets, "LoomPattern", {
      typeName: "LoomPattern",
      startable: {
        inputField: "pattern",
        check: async (_, value, given) => {
          const rows = (given.input as { readonly rows?: unknown } | undefined)?.rows;
          const message = "A pattern has at least one row.";
          const issues = [{ path: ["input", "input", "rows"], message }];
          if (rows === 0) throw new WeftlineError("INVALID_INPUT", { path: ["input", "input", "rows"], issues, message });
          return { id: String(value), name: `Pattern ${String(value)}`, version: rows === 2_000 ? 2 : 3 };
        },
        find: async (_, value) => ({ id: String(value), name: `Pattern ${String(value)}`, version: 3 }),
      },
      program: async (run) => ({
        agent: { id: run.targetId, name: run.targetName, version: 3 },
        framework: "scripted",
        capabilities: ["loom.weave"],
        options: {},
      }),
      load: async (_, id) => (id === "lost" ? null : pattern(id)),
    });
    return {};
  },
});

/** A host whose runs follow a script. */
export function bootLoom(cast: Cast, dataDir?: string): Promise<TestPlatform> {
  return testPlatform({ plugins: [castPlugin(cast)(), loom()], ...(dataDir === undefined ? {} : { dataDir }) });
}

/** A host without any plugin, and rows that a test writes. */
export async function bootRows(): Promise<Rows> {
  return new Rows(await testPlatform({ plugins: [loom()] }));
}

/** Writes rows of runs past the engine, alice's by default. */
export class Rows {
  readonly app: TestPlatform;
  #time = 1_700_000_000_000;

  constructor(app: TestPlatform) {
    this.app = app;
  }

  async #write(build: (create: <E extends object>(entity: new () => E, data: object) => E) => void): Promise<void> {
    await this.app.platform.database.write("SYSTEM", async (tx) => {
      build((entity, data) => tx.em.create(entity, data as RequiredEntityData<never>));
      await tx.em.flush();
    });
  }

  /** A stream of its own with a run in it. */
  async run(id: string, more: Partial<Run> = {}, head = 1): Promise<string> {
    const owner = { tenantId: alice.tenantId, ownerId: alice.actorId, ...pick(more) };
    let streamNum = more.streamNum;
    if (streamNum === undefined) {
      const row = await this.app.platform.database.commit(({ sql }) =>
        sql.get<{ num: number }>(
          "insert into runs_stream (id, tenant_id, owner_id, kind, head, horizon, deleted) values (?, ?, ?, 'RUN', ?, 0, 0) returning num",
          id,
          owner.tenantId,
          owner.ownerId,
          head,
        ),
      );
      streamNum = row?.num ?? 0;
    }
    await this.#write((create) =>
      create(Run, {
        id,
        ...owner,
        streamNum,
        startSeq: 1,
        seq: 1,
        rootId: id,
        targetType: "LoomPattern",
        targetId: "herringbone",
        targetName: "Herringbone",
        targetVersion: 2,
        trigger: "API",
        status: "SUCCEEDED",
        limits: {},
        settings: { simulated: "allowed" },
        takeovers: 0,
        epoch: 0,
        createdAt: this.#time++,
        ...more,
      }),
    );
    return globalId("Run", id);
  }

  async step(id: string, runId: string, more: Partial<Step> = {}): Promise<string> {
    await this.#write((create) =>
      create(Step, {
        id,
        tenantId: alice.tenantId,
        ownerId: alice.actorId,
        runId,
        num: 1,
        key: "k",
        name: "n",
        kind: "MODEL",
        status: "SUCCEEDED",
        attempt: 1,
        startedAt: 1_000,
        ...more,
      }),
    );
    return globalId("Step", id);
  }

  async message(id: string, runId: string, more: Partial<Message> = {}): Promise<string> {
    const run = await this.app.platform.database.read.get<{ stream_num: number }>("select stream_num from runs_run where id = ?", runId);
    await this.#write((create) =>
      create(Message, {
        id,
        tenantId: alice.tenantId,
        ownerId: alice.actorId,
        streamNum: run?.stream_num ?? 0,
        startSeq: 2,
        seq: 5,
        runId,
        role: "ASSISTANT",
        status: "COMPLETE",
        parts: [{ type: "text", text: "secret words" }],
        createdAt: 1_000,
        ...more,
      }),
    );
    return globalId("Message", id);
  }

  async toolCall(id: string, runId: string, more: Partial<ToolCall> = {}): Promise<void> {
    await this.#write((create) =>
      create(ToolCall, {
        id,
        tenantId: alice.tenantId,
        ownerId: alice.actorId,
        runId,
        num: 1,
        callId: "call_1",
        name: "loom.weave",
        status: "SUCCESS",
        attempt: 1,
        createdAt: 1_000,
        ...more,
      }),
    );
  }

  async interrupt(id: string, runId: string, more: Partial<Interrupt> = {}): Promise<string> {
    await this.#write((create) =>
      create(Interrupt, {
        id,
        tenantId: alice.tenantId,
        ownerId: alice.actorId,
        runId,
        streamNum: 1,
        seq: 4,
        kind: "TOOL_APPROVAL",
        status: "PENDING",
        message: "Allow it?",
        allowed: ["APPROVE", "REJECT"],
        arguments: { colour: "secret red" },
        argumentsHash: "abc",
        createdAt: this.#time++,
        ...more,
      }),
    );
    return globalId("Interrupt", id);
  }

  async usage(id: string, runId: string, more: Partial<UsageRow> = {}): Promise<void> {
    await this.#write((create) =>
      create(UsageRow, {
        id,
        tenantId: alice.tenantId,
        ownerId: alice.actorId,
        runId,
        targetId: "herringbone",
        provider: "local",
        model: "m",
        provenance: "LIVE",
        inputTokens: 3,
        outputTokens: 4,
        estimated: false,
        createdAt: 1_000,
        ...more,
      }),
    );
  }

  /** Appends raw rows to a run's stream. */
  async events(runId: string, events: readonly (readonly [kind: string, payload: unknown])[]): Promise<void> {
    await this.app.platform.database.commit(async ({ sql }) => {
      const run = await sql.get<{ stream_num: number; start_seq: number }>(
        "select stream_num, start_seq from runs_run where id = ?",
        runId,
      );
      for (const [index, [kind, payload]] of events.entries()) {
        await sql.run(
          "insert into runs_event (stream_num, seq, run_seq, at, kind, payload) values (?, ?, ?, ?, ?, ?)",
          run?.stream_num ?? 0,
          (run?.start_seq ?? 0) + index,
          run?.start_seq ?? 0,
          1_700_000_000_000 + index,
          kind,
          JSON.stringify(payload),
        );
      }
      await sql.run("update runs_stream set head = ? where num = ?", events.length, run?.stream_num ?? 0);
    });
  }
}

function pick({ tenantId, ownerId }: Partial<Run>): { tenantId?: string; ownerId?: string } {
  return { ...(tenantId === undefined ? {} : { tenantId }), ...(ownerId === undefined ? {} : { ownerId }) };
}
