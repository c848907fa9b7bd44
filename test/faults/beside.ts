import { SqliteError } from "better-sqlite3";
import { GraphQLError, graphql, type GraphQLSchema } from "graphql";
import {
  Run,
  WeftlineError,
  databaseService,
  globalId,
  localId,
  type CliAction,
  type CliContext,
  type Database,
  type Scope,
} from "#weftline";
import { composePlatform, readDatabase } from "../../src/core/platform.ts";
import { Step } from "../../src/core/runs/entities/run.ts";
import { readRunEvents } from "../../src/core/runs/log.ts";
import { listWorkflows } from "../../src/plugins/workflows/service/list.ts";

/** What a process reads beside the server, and how it was refused what it tried to change. */
export interface Beside {
  readonly workflows: readonly { readonly name: string; readonly version: number }[];
  readonly run: { readonly status: string; readonly targetType: string };
  readonly steps: readonly { readonly key: string; readonly status: string }[];
  readonly events: readonly { readonly seq: number; readonly kind: string }[];
  /** What it tried, with the codes of the refusals. */
  readonly refused: Readonly<Record<string, string>>;
}

const local = { tenantId: "default", actorId: "local", name: "Local user", roles: ["admin", "audit"] } as const;

const mutations = (run: string): Readonly<Record<string, Record<string, unknown>>> => {
  const workflow = { name: "Flow" };
  const nodes = [{ key: "a", kind: "transform", config: { expression: "1" } }];
  return {
    createWorkflow: { input: { name: "Another", nodes } },
    updateWorkflow: { input: { workflow, description: "changed" } },
    restoreWorkflowVersion: { workflow, version: 1 },
    archiveWorkflow: { workflow },
    startRun: { input: { target: { workflow: { name: "Below" } }, input: { id: "beside" } } },
    cancelRun: { run },
    pauseRun: { run },
    resumeRun: { run },
    retryRun: { input: { run, fromNode: "pay" } },
    signalRun: { run, name: "go" },
    createSchedule: { input: { name: "Another", target: { workflow }, input: { id: "beside", list: [] }, cron: "@yearly" } },
  };
};

/** Reads what commands read beside the server that works on it, and tries to change it. */
export const besideCommand: CliAction = {
  description: "Reads a run of a workflow beside the server, and tries every change of it.",
  arguments: [{ name: "run", description: "Its id." }],
  needs: "rows",
  run: async (ctx) => {
    const id = localId("Run", String(ctx.arguments["run"])) ?? "";
    const scope = ctx.scope(local);
    const { composition } = await composePlatform({ ...ctx.config, logLevel: "silent" });
    const database = readDatabase(ctx.config, composition);
    const [run] = await scope.rowsById(Run, [id]);
    if (!database || !run) throw new Error("There is no such run.");
    const { edges } = await listWorkflows(scope, {}, { first: 100 });
    const steps = await scope.rows(Step, { where: "e.run_id = ?", params: [id], orderBy: "e.num" });
    const events = await readRunEvents(database.read, run, { after: 0, limit: 1_000, kinds: "all" });
    const refused: Record<string, string> = {};
    for (const [name, change] of Object.entries({
      ...changesOfRows(ctx, scope, database, id),
      ...changesOfGraph(composition.schema, scope, run),
    }))
      refused[name] = await refusalOf(change);
    await database.close();
    const beside: Beside = {
      workflows: edges.map(({ node: { name, version } }) => ({ name, version })),
      run: { status: run.status, targetType: run.targetType },
      steps: steps.map(({ key, status }) => ({ key, status })),
      events: events.map(({ seq, kind }) => ({ seq, kind })),
      refused,
    };
    ctx.out(`${JSON.stringify(beside)}\n`);
  },
};

/** The code with which a change is refused; "done" for one that is not. */
async function refusalOf(change: () => Promise<unknown>): Promise<string> {
  try {
    await change();
    return "done";
  } catch (error) {
    const cause = error instanceof GraphQLError ? error.originalError : error;
    return cause instanceof WeftlineError || cause instanceof SqliteError ? cause.code : String(cause);
  }
}

type Changes = Readonly<Record<string, () => Promise<unknown>>>;

/** Every way that leads past the graph to a row. */
function changesOfRows(ctx: CliContext, scope: Scope, database: Database, run: string): Changes {
  const cancel = "update runs_run set status = 'CANCELLED' where id = ?";
  return {
    "scope.write": () => scope.write((tx) => tx.sql.run(cancel, run)),
    "database.write": () => database.write("SYSTEM", (tx) => tx.sql.run(cancel, run)),
    "database.commit": () => database.commit((tx) => tx.sql.run(cancel, run)),
    "database.upkeep": () => database.upkeep((tx) => tx.sql.run(cancel, run)),
    "database.service": async () => ctx.use(databaseService),
    "command.graph": async () => ctx.graph,
    "the connection itself": () => database.orm.em.getConnection("write").execute(cancel, [run]),
  };
}

/** Changes of workflows, and of a run of one, as clients ask for them. */
function changesOfGraph(schema: GraphQLSchema, scope: Scope, { id }: Run): Changes {
  const asked = Object.entries(mutations(globalId("Run", id))).map(([name, variableValues]) => {
    const change = async (): Promise<void> => {
      const { errors = [] } = await graphql({ schema, source: mutationOf(schema, name), variableValues, contextValue: scope });
      if (errors[0]) throw errors[0];
    };
    return [name, change] as const;
  });
  return Object.fromEntries(asked);
}

function mutationOf(schema: GraphQLSchema, name: string): string {
  const args = schema.getMutationType()?.getFields()[name]?.args ?? [];
  const declared = args.map((arg) => `$${arg.name}: ${String(arg.type)}`).join(", ");
  const passed = args.map((arg) => `${arg.name}: $${arg.name}`).join(", ");
  return `mutation (${declared}) { ${name}(${passed}) { __typename } }`;
}
