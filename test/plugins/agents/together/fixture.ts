import { contribution, definePlugin, tools, type RunRequest, type ToolDefinition } from "#weftline";
import { faultInjections, type FaultInjection } from "../../../../src/core/runs/failpoint.ts";
import type { TestPlatform } from "../../../../src/testing/index.ts";
import { callOnce, say, type Turn } from "../../../runs/fixtures.ts";
import { ada, agentsPlatform, made, mutations, script } from "../fixture.ts";
import { finished, started, until, type RunData } from "../runs.ts";

/** How each agent of a team behaves, by its name. */
export type Team = Record<string, Turn>;

/** Says what it was asked. */
export const echoes: Turn = (request) => say([`${request.agent.name} heard: ${lastUserText(request)}`]);

/** Asks a colleague, and says what came of it, where it has not said so. */
export const asks = (colleague: string, text = "Go on."): Turn => asksFor(colleague, { text });

/** The same with arguments of its own. */
export const asksFor = (colleague: string, args: Readonly<Record<string, unknown>>): Turn =>
  async function* (request, ctx) {
    const last = request.messages.at(-1);
    if (last?.role === "ASSISTANT" && last.runId === ctx.runId && last.toolCalls.length === 0) return;
    yield* callOnce(`agent.${colleague}`, args)(request, ctx);
  };

/** What a user said last. */
export function lastUserText({ messages }: RunRequest): string {
  const said = messages.findLast(({ role }) => role === "USER");
  return said && "parts" in said ? said.parts.map((part) => (part.type === "text" ? part.text : "")).join("") : "";
}

/** A platform with one place for runs, where agents behave as a team's members. */
export async function teamPlatform(
  team: Team,
  {
    brought = [],
    fault = {},
    dataDir,
  }: { readonly brought?: readonly ToolDefinition[]; readonly fault?: Partial<FaultInjection>; readonly dataDir?: string } = {},
): Promise<TestPlatform> {
  const play = script({
    turn: (request, ctx) => team[request.agent.name]?.(request, ctx) ?? say(["nobody"]),
  });
  const set = definePlugin({
    id: "set",
    contributes: [
      contribution(faultInjections, "suite", {
        failpoint: () => undefined,
        drainMs: 50,
        ...fault,
        engine: { concurrency: 1, ...fault.engine },
      }),
      ...brought.map((tool) => contribution(tools, tool.name, tool)),
    ],
  });
  return agentsPlatform(play, [set()], dataDir);
}

/** Makes agents; each may use what is named for it. */
export async function hire(
  app: TestPlatform,
  members: Record<string, readonly string[]>,
  more: Record<string, unknown> = {},
): Promise<void> {
  for (const [name, capabilities] of Object.entries(members)) {
    made(await mutations(app).create({ name, framework: "paper", capabilities, ...more }));
  }
}

/** What an agent says to a user. */
export async function told(app: TestPlatform, name: string): Promise<RunData> {
  const { id } = await started(app, { name });
  return until(app, id, finished);
}

/** A run with those below it, as these tests look at it. */
export interface Tree {
  readonly id: string;
  readonly status: string;
  readonly targetName: string;
  readonly trigger: string;
  readonly text: string | null;
  readonly steps: {
    readonly nodes: readonly { readonly kind: string; readonly name: string; readonly status: string; readonly childRun: Tree | null }[];
  };
}

const tree = (depth: number): string =>
  `id status targetName trigger text ${depth === 0 ? "" : `steps(kind: [TOOL]) { nodes { kind name status childRun { ${tree(depth - 1)} } } }`}`;

export async function treeOf(app: TestPlatform, id: string): Promise<Tree> {
  const { run } = await app.graphql<{ run: Tree }>(`query ($id: ID!) { run(id: $id) { ${tree(3)} } }`, { id }, ada);
  return run;
}

export { finished, started, until };
