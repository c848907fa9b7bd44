import {
  ListScope,
  Node,
  UsageView,
  connectionType,
  defineEnum,
  inputNamed,
  loadNode,
  pageArgs,
  pageOfList,
  type GraphBuilder,
  type Page,
  type PageArgs,
  type RunFilter,
  type Scope,
  type UsageQuery,
} from "#weftline";
import { spentBy, spentInAll, type SpentBy } from "../service/usage.ts";
import { UsageGroup } from "../types.ts";

/** What `usage` and `usageBy` are asked with. */
export interface UsageArgs {
  readonly scope?: UsageQuery["reach"] | null | undefined;
  readonly filter?: RunFilter | null | undefined;
  readonly since?: Date | null | undefined;
  readonly until?: Date | null | undefined;
}

export function queryOf({ scope, filter, since, until }: UsageArgs): UsageQuery {
  return { reach: scope ?? "MINE", filter, since: since?.getTime(), until: until?.getTime() };
}

export function addUsage(builder: GraphBuilder): void {
  defineEnum(builder, UsageGroup, "UsageGroup", "What usage is summed by.", {
    AGENT: "By the agents whose runs made the calls.",
    WORKFLOW: "By the workflows that the runs belong to, those that they started too.",
    MODEL: "By provider and model.",
    ACTOR: "By who owns the runs.",
    THREAD: "By the threads that the runs belong to.",
  });
  const sum = builder.objectRef<SpentBy>("UsageByKey").implement({
    description: "What the model calls of one agent, workflow, model, actor or thread used.",
    fields: (t) => ({
      key: t.exposeString("key", { nullable: false, description: "The id of the node, or the name of the model, as provider/model." }),
      name: t.string({
        description: "What to call it; null where that is gone, or not for the viewer.",
        resolve: async (row, _, scope) => nameOf(row, await nodeOf(builder, scope, row)),
      }),
      node: t.field({
        type: Node,
        description: "The agent, workflow, actor or thread; null for a model, and where it is gone or not for the viewer.",
        resolve: async (row, _, scope) => (await nodeOf(builder, scope, row)) as Node | null,
      }),
      usage: t.field({
        type: UsageView,
        nullable: false,
        description: "Their tokens and cost.",
        resolve: ({ usage }) => new UsageView(usage),
      }),
    }),
  });
  const filter = inputNamed<RunFilter>(builder, "RunFilter");
  builder.queryFields((t) => {
    const args = {
      scope: t.arg({ type: ListScope, defaultValue: "MINE", description: "Whose calls; TENANT is for admins." }),
      filter: t.arg({ type: filter, description: "Only calls of these runs." }),
      since: t.arg({ type: "DateTime", description: "Only calls from then on; of all time by default." }),
      until: t.arg({ type: "DateTime", description: "Only calls before that." }),
    };
    return {
      usage: t.field({
        type: UsageView,
        description: "What model calls used in all. What was erased counts on, without its thread.",
        args,
        resolve: async (_, asked, scope) => new UsageView(await spentInAll(scope, queryOf(asked))),
      }),
      usageBy: t.field({
        type: connectionType(builder, "UsageByKey", sum),
        description: "The same by what made the calls, the dearest first; at most 1000 of them.",
        args: { by: t.arg({ type: UsageGroup, required: true, description: "By what." }), ...args, ...forward(pageArgs(t)) },
        resolve: (_, { by, first, after, ...asked }, scope) => pageBy(scope, { by, ...asked }, { first, after }) as never,
      }),
    };
  });
}

const forward = <First, After>({ first, after }: { readonly first: First; readonly after: After }) => ({ first, after });

async function pageBy(scope: Scope, { by, ...asked }: UsageArgs & { readonly by: UsageGroup }, page: PageArgs): Promise<Page<SpentBy>> {
  return pageOfList(await spentBy(scope, by, queryOf(asked)), page, ({ key }) => key);
}

async function nodeOf(builder: GraphBuilder, scope: Scope, { key, by }: SpentBy): Promise<object | null> {
  return by === "MODEL" ? null : ((await loadNode(builder, key, scope)) as object | null);
}

function nameOf({ key, by }: SpentBy, node: object | null): string | null {
  if (by === "MODEL") return key;
  const { name, title } = (node ?? {}) as { readonly name?: string | null; readonly title?: string | null };
  return name ?? title ?? null;
}
