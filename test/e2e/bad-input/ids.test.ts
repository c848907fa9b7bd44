import {
  buildClientSchema,
  getIntrospectionQuery,
  getNamedType,
  isInputObjectType,
  type GraphQLArgument,
  type GraphQLInputField,
  type IntrospectionQuery,
} from "graphql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { globalId } from "#weftline";
import type { TestPlatform } from "../../../src/testing/index.ts";
import { ada, bob, changesNothing, eve, mutate, settle, shippedPlatform, type Arguments, type Belongings } from "../world.ts";

let app: TestPlatform;
let of: { ada: Belongings; bob: Belongings; eve: Belongings };

beforeAll(async () => {
  app = await shippedPlatform();
  of = { ada: await settle(app, ada), bob: await settle(app, bob), eve: await settle(app, eve) };
});
afterAll(() => app.close());

/** Each place where a mutation takes an id: whose id it is, and the arguments around it. */
const places: Readonly<
  Record<string, { readonly type: keyof typeof idsOf; readonly write?: true; readonly args: (own: Belongings) => Arguments }>
> = {
  "updateAgent.input.agent.id": {
    type: "Agent",
    write: true,
    args: ({ agent: id }) => ({ input: { agent: { id }, description: "Another" } }),
  },
  "restoreAgentVersion.agent.id": { type: "Agent", write: true, args: ({ agent: id }) => ({ agent: { id }, version: 1 }) },
  "startAgent.agent.id": { type: "Agent", write: true, args: ({ agent: id }) => ({ agent: { id } }) },
  "stopAgent.agent.id": { type: "Agent", write: true, args: ({ agent: id }) => ({ agent: { id }, mode: "CANCEL" }) },
  "archiveAgent.agent.id": { type: "Agent", write: true, args: ({ agent: id }) => ({ agent: { id } }) },
  "startRun.input.target.agent.id": { type: "Agent", args: ({ agent: id }) => ({ input: { target: { agent: { id } }, text: "Go." } }) },
  "startRun.input.thread": {
    type: "Thread",
    args: ({ agent: id, thread }) => ({ input: { target: { agent: { id } }, text: "Go.", thread } }),
  },
  "cancelRun.run": { type: "Run", args: ({ waitingRun: run }) => ({ run, reason: "No." }) },
  "pauseRun.run": { type: "Run", args: ({ waitingRun: run }) => ({ run }) },
  "resumeRun.run": { type: "Run", args: ({ waitingRun: run }) => ({ run }) },
  "signalRun.run": { type: "Run", args: ({ waitingRun: run }) => ({ run, name: "go" }) },
  "retryRun.input.run": { type: "Run", args: ({ run }) => ({ input: { run } }) },
  "retryRun.input.checkpoint": { type: "Checkpoint", args: ({ keptRun: run, checkpoint }) => ({ input: { run, checkpoint } }) },
  "decideInterrupt.input.interrupt": {
    type: "Interrupt",
    args: ({ interrupt, argumentsHash }) => ({ input: { interrupt, argumentsHash, kind: "APPROVE" } }),
  },
  "createThread.input.agent.id": { type: "Agent", args: ({ agent: id }) => ({ input: { title: "Another", agent: { id } } }) },
  "updateThread.input.thread": { type: "Thread", args: ({ thread }) => ({ input: { thread, title: "Another" } }) },
  "updateThread.input.agent.id": { type: "Agent", args: ({ thread, agent: id }) => ({ input: { thread, agent: { id } } }) },
  "clearThread.thread": { type: "Thread", args: ({ thread }) => ({ thread }) },
  "deleteThread.thread": { type: "Thread", args: ({ thread }) => ({ thread }) },
  "forkThread.thread": { type: "Thread", args: ({ thread, answer: at }) => ({ thread, at }) },
  "forkThread.at": { type: "Message", args: ({ thread, answer: at }) => ({ thread, at }) },
  "sendMessage.input.thread": { type: "Thread", args: ({ thread }) => ({ input: { thread, text: "Hello" } }) },
  "sendMessage.input.agent.id": { type: "Agent", args: ({ thread, agent: id }) => ({ input: { thread, text: "Hello", agent: { id } } }) },
  "regenerateMessage.message": { type: "Message", args: ({ answer: message }) => ({ message }) },
  "setTyping.thread": { type: "Thread", args: ({ thread }) => ({ thread, typing: true }) },
};

const idsOf = {
  Agent: (own: Belongings) => own.agent,
  Thread: (own: Belongings) => own.thread,
  Run: (own: Belongings) => own.run,
  Message: (own: Belongings) => own.answer,
  Interrupt: (own: Belongings) => own.interrupt,
  Checkpoint: (own: Belongings) => own.checkpoint,
} as const;

const missing = "01890000-0000-7000-8000-000000000000";
const malformed = (type: string): string[] => [
  "",
  " ",
  "1",
  missing,
  `${type}:${missing}`,
  `${globalId(type, missing)}=`,
  globalId(type, ""),
  globalId(type.toLowerCase(), missing),
  globalId(type, "a\u0000b"),
  "%00",
  "'; drop table runs_run; --",
  "☃".repeat(1_000),
  "x".repeat(100_000),
];
const absent = (type: string): string[] => [globalId(type, missing), globalId(type, "%"), globalId(type, "' or 1=1 --")];

function put(args: Arguments, path: readonly string[], id: string): Arguments {
  const [name = "", ...rest] = path;
  return { ...args, [name]: rest.length === 0 ? id : put(args[name] as Arguments, rest, id) };
}

/** Every path to an argument of the type ID below the fields of a root type. */
async function idPlaces(root: "query" | "mutation" | "subscription"): Promise<string[]> {
  const schema = buildClientSchema(await app.graphql<IntrospectionQuery>(getIntrospectionQuery()));
  const below = (path: string, { type }: GraphQLArgument | GraphQLInputField, depth: number): string[] => {
    const named = getNamedType(type);
    if (named.name === "ID") return [path];
    if (!isInputObjectType(named) || depth > 4) return [];
    return Object.values(named.getFields()).flatMap((field) => below(`${path}.${field.name}`, field, depth + 1));
  };
  const fields = schema.getRootType(root as never)?.getFields() ?? {};
  return Object.values(fields).flatMap((field) => field.args.flatMap((arg) => below(`${field.name}.${arg.name}`, arg, 0)));
}

describe("an id that a mutation takes", () => {
  it("is tried here wherever it stands", async () => {
    // Actors that a policy names are told of one by one, with what else is wrong with it: see the approvers' own tests.
    const inPlace = (await idPlaces("mutation")).filter((place) => !place.endsWith(".approvers.actors"));
    expect(inPlace.toSorted()).toEqual(Object.keys(places).toSorted());
  });

  for (const [place, { type, args, write }] of Object.entries(places)) {
    const [name = "", ...path] = place.split(".");
    const tryId = (id: string, own = of.ada, viewer = ada) => mutate(app, name, put(args(own), path, id), viewer);

    it(`${place} is invalid input where it is malformed or of another type`, async () => {
      await changesNothing(app, async () => {
        const others = Object.entries(idsOf).flatMap(([other, idOf]) => (other === type ? [] : [idOf(of.ada)]));
        for (const id of [...malformed(type), ...others]) {
          const refused = await tryId(id);
          expect([id.slice(0, 80), refused]).toMatchObject([
            id.slice(0, 80),
            { __typename: "InvalidInputError", code: "INVALID_ID", path },
          ]);
          expect(refused.issues).toEqual([
            { path, message: `Expected the id of ${type === "Agent" || type === "Interrupt" ? "an" : "a"} ${type}.` },
          ]);
          expect(refused.fix).toBe("Pass an id as the graph returned it.");
        }
      });
    });

    it(`${place} is not found where it is missing or foreign`, async () => {
      await changesNothing(app, async () => {
        const tries: Promise<unknown>[] = absent(type).map((id) => tryId(id));
        const strangers = type === "Agent" ? [[of.eve, eve] as const] : [[of.eve, eve] as const, [of.bob, bob] as const];
        for (const [own, viewer] of strangers) tries.push(tryId(idsOf[type](of.ada), own, viewer));
        for (const refused of await Promise.all(tries)) {
          expect(refused).toMatchObject({ __typename: "NotFoundError", code: "NOT_FOUND" });
          expect(path.slice(0, (refused as { path: string[] }).path.length)).toEqual((refused as { path: string[] }).path);
        }
      });
    });

    if (write)
      it(`${place} is forbidden to those who only share the agent`, async () => {
        const refused = await changesNothing(app, () => tryId(of.ada.agent, of.bob, bob));
        expect(refused).toMatchObject({ __typename: "ForbiddenError", code: "FORBIDDEN" });
        expect(refused.message).toMatch(/owner and admins/);
      });
  }
});

describe("an id that a query takes", () => {
  const queries: Readonly<Record<string, { readonly query: string; readonly nothing: unknown }>> = {
    "node.id": { query: "query ($id: ID!) { found: node(id: $id) { id } }", nothing: null },
    "nodes.ids": { query: "query ($id: ID!) { found: nodes(ids: [$id]) { id } }", nothing: [null] },
    "run.id": { query: "query ($id: ID!) { found: run(id: $id) { id } }", nothing: null },
    "thread.id": { query: "query ($id: ID!) { found: thread(id: $id) { id } }", nothing: null },
    "agent.ref.id": { query: "query ($id: ID!) { found: agent(ref: { id: $id }) { id } }", nothing: null },
    "runs.filter.agent": { query: "query ($id: ID!) { found: runs(filter: { agent: $id }) { nodes { id } } }", nothing: { nodes: [] } },
    "runs.filter.workflow": {
      query: "query ($id: ID!) { found: runs(filter: { workflow: $id }) { nodes { id } } }",
      nothing: { nodes: [] },
    },
    "toolCallAudits.filter.run": {
      query: "query ($id: ID!) { found: toolCallAudits(filter: { run: $id }) { nodes { id } } }",
      nothing: { nodes: [] },
    },
    "runs.filter.owner": { query: "query ($id: ID!) { found: runs(filter: { owner: $id }) { nodes { id } } }", nothing: { nodes: [] } },
    "runs.filter.target": { query: "query ($id: ID!) { found: runs(filter: { target: $id }) { nodes { id } } }", nothing: { nodes: [] } },
    "interrupts.run": { query: "query ($id: ID!) { found: interrupts(run: $id) { nodes { id } } }", nothing: { nodes: [] } },
    "interrupts.thread": { query: "query ($id: ID!) { found: interrupts(thread: $id) { nodes { id } } }", nothing: { nodes: [] } },
    "threads.agent": { query: "query ($id: ID!) { found: threads(agent: $id) { nodes { id } } }", nothing: { nodes: [] } },
    "runs.filter.thread": { query: "query ($id: ID!) { found: runs(filter: { thread: $id }) { nodes { id } } }", nothing: { nodes: [] } },
  };
  const owned = (own: Belongings): string[] => [own.thread, own.run, own.answer, own.question, own.interrupt];

  it("is tried here wherever it stands", async () => {
    expect((await idPlaces("query")).toSorted()).toEqual(Object.keys(queries).toSorted());
  });

  it.each(Object.keys(queries))("%s finds nothing where it is malformed, missing, of another type or foreign", async (place) => {
    const { query, nothing } = queries[place] ?? { query: "", nothing: undefined };
    const found = (id: string, viewer = ada) =>
      app.graphql<{ found: unknown }>(query, { id }, viewer).then((data) => [id.slice(0, 80), data.found]);
    for (const type of Object.keys(idsOf)) {
      for (const id of [...malformed(type), ...absent(type)]) expect(await found(id)).toEqual([id.slice(0, 80), nothing]);
    }
    for (const id of owned(of.ada)) for (const viewer of [bob, eve]) expect(await found(id, viewer)).toEqual([id, nothing]);
    expect(await found(of.ada.agent, eve)).toEqual([of.ada.agent, nothing]);
    const [expected] = place.startsWith("node") ? [] : [place.split(".").at(-1)];
    for (const [type, idOf] of Object.entries(idsOf)) {
      // What a run runs may be an agent.
      if (
        expected === undefined ||
        (expected === "target" && type === "Agent") ||
        type.toLowerCase() === expected ||
        place.startsWith(type.toLowerCase())
      )
        continue;
      expect(await found(idOf(of.ada))).toEqual([idOf(of.ada), nothing]);
    }
  });
});

describe("an id that a subscription takes", () => {
  const subscriptions = { "runEvents.run": "Run", "threadEvents.thread": "Thread", "threadActivity.thread": "Thread" } as const;
  const codeOf = async (field: string, arg: string, id: string, viewer = ada): Promise<unknown> => {
    const selection = field === "threadActivity" ? "expiresAt" : "seq";
    try {
      const source = await app.subscribe(`subscription ($id: ID!) { ${field}(${arg}: $id) { ${selection} } }`, { id }, viewer);
      await source.return?.();
      return "opened";
    } catch (error) {
      return ((error as AggregateError).errors[0] as { extensions: { code: string } }).extensions.code;
    }
  };

  it("is tried here wherever it stands", async () => {
    expect((await idPlaces("subscription")).toSorted()).toEqual(Object.keys(subscriptions).toSorted());
  });

  it.each(Object.entries(subscriptions))(
    "%s is not found where it is malformed, missing, of another type or foreign",
    async (place, type) => {
      const [field = "", arg = ""] = place.split(".");
      await changesNothing(app, async () => {
        for (const id of [...malformed(type), ...absent(type)])
          expect([id.slice(0, 80), await codeOf(field, arg, id)]).toEqual([id.slice(0, 80), "NOT_FOUND"]);
        for (const [other, idOf] of Object.entries(idsOf)) {
          expect([other, await codeOf(field, arg, idOf(of.ada))]).toEqual([other, other === type ? "opened" : "NOT_FOUND"]);
        }
        for (const viewer of [bob, eve]) expect(await codeOf(field, arg, idsOf[type](of.ada), viewer)).toBe("NOT_FOUND");
      });
    },
  );
});
