import { getNamedType, isRequiredArgument } from "graphql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { authService } from "#plugins/auth";
import { collect, testViewer, type TestPlatform } from "../../src/testing/index.ts";
import { ask, countIn, leaksIn, type Known } from "./census.ts";
import { foreignSecrets } from "./rules.ts";
import { idPathsOf, operationOf, selectionOf } from "./shape.ts";
import { bootWorld, everybody, populate, viewers, type Who } from "./world.ts";

let app: TestPlatform;
const known = new Map<string, Known>();

beforeAll(async () => {
  ({ app } = await bootWorld((host, who) => countIn(host, who, known)));
}, 60_000);
afterAll(() => app?.close());

const subscriptions = () => Object.values(app.platform.schema.getSubscriptionType()?.getFields() ?? {});

describe("subscriptions of no one object", () => {
  it("tell a viewer nothing of what others make meanwhile", async () => {
    const fields = subscriptions().filter((field) => !field.args.some(isRequiredArgument));
    expect(fields.length).toBeGreaterThan(1);
    const heard = new Map<Who, unknown[]>();
    const open: AsyncIterator<unknown>[] = [];
    for (const who of everybody) {
      const answers: unknown[] = [];
      heard.set(who, answers);
      for (const field of fields) {
        const selection = selectionOf(app.platform.schema, getNamedType(field.type) as never, 1);
        const outcome = await app.platform.subscribe({ query: operationOf("subscription", field, selection), viewer: viewers[who] });
        if (!(Symbol.asyncIterator in outcome)) throw new Error(JSON.stringify(outcome));
        open.push(outcome);
        void (async () => {
          for await (const result of outcome) answers.push(result);
        })();
      }
    }
    for (const who of ["alice", "mallory"] as const) {
      await populate(app, who, "again");
      await countIn(app, who, known);
    }
    await new Promise((resolve) => setTimeout(resolve, 600));
    await Promise.all(open.map((each) => each.return?.()));
    for (const who of everybody) {
      const found = (heard.get(who) ?? []).flatMap((answer) => leaksIn(answer, who, known));
      expect(found.filter((leak) => !leak.includes("Viewer"))).toEqual([]);
    }
    expect(JSON.stringify(heard.get("alice"))).toContain("ExampleNote");
    expect(heard.get("alice")?.length).toBeGreaterThan(10);
  }, 60_000);
});

describe("a viewer that is revoked in the middle", () => {
  it("hears not one event more, and others hear on", async () => {
    const carol = testViewer("carol");
    const dave = testViewer("dave");
    const streams = await Promise.all(
      [carol, dave].map(async (viewer) => {
        const thread = await make(
          viewer,
          'mutation { result: createThread(input: { title: "t", agent: { name: "alice\'s actor" } }) { ... on CreateThreadPayload { made: thread { id } } } }',
        );
        const say = `mutation { result: sendMessage(input: { thread: "${thread}", text: "dawdle" }) { ... on SendMessagePayload { made: run { id } } } }`;
        const run = await make(viewer, say);
        const objects: Record<string, string> = { run, thread };
        const each = subscriptions().map(async (field) => {
          const variables = Object.fromEntries(idPathsOf(field).map(({ name }) => [name, objects[name]]));
          const source = await app.subscribe(operationOf("subscription", field, "__typename"), variables, viewer);
          return { name: field.name, source };
        });
        return { viewer, thread, run, sources: await Promise.all(each) };
      }),
    );
    const [carols, daves] = streams;
    if (!carols || !daves) return expect.fail("nobody listens");
    for (const { source } of carols.sources.filter(({ name }) => ["runEvents", "threadEvents"].includes(name))) {
      await collect(until(source, 3), { until: (_, all) => all.length === 3 });
    }
    app.platform.use(authService).revoke(carol);
    const stirred = [carol, dave].map((viewer) => stir(viewer));
    for (const { name, source } of carols.sources) {
      const events: unknown[] = [];
      const end = await drain(source, events);
      expect([name, events, end]).toEqual([name, [], "UNAUTHENTICATED"]);
      expect(await source.next()).toEqual({ value: undefined, done: true });
    }
    const daveHears = daves.sources.find(({ name }) => name === "runEvents")?.source ?? expect.fail("dave follows nothing");
    expect(await collect(until(daveHears, 10), { until: (_, all) => all.length === 10 })).toHaveLength(10);
    await Promise.all(stirred);
    for (const { viewer, run, sources } of streams) {
      await Promise.all(sources.map(({ source }) => source.return?.()));
      await app.graphql(`mutation { cancelRun(run: "${run}") { __typename } }`, {}, viewer);
    }

    /** Makes something happen on the streams of no one object. */
    async function stir(viewer: typeof carol): Promise<void> {
      await make(
        viewer,
        'mutation { result: exampleAddNote(input: { text: "stirred" }) { ... on ExampleAddNotePayload { made: note { id } } } }',
      );
      const thread = viewer === carol ? carols?.thread : daves?.thread;
      await app.graphql(`mutation { setTyping(thread: "${thread}", typing: true) { __typename } }`, {}, viewer);
    }
  }, 60_000);

  async function make(viewer: (typeof viewers)[Who], mutation: string): Promise<string> {
    const { result } = await app.graphql<{ result: { made?: { id: string } } }>(mutation, {}, viewer);
    return result.made?.id ?? expect.fail(mutation);
  }
});

/** A view of a stream that can be left without ending it. */
async function* until(source: AsyncIterator<unknown>, count: number): AsyncGenerator<unknown> {
  for (let at = 0; at < count; at++) {
    const { done, value } = await source.next();
    if (done) return;
    yield value;
  }
}

/** Reads to the end. @returns the code that it ended with. */
async function drain(source: AsyncIterator<unknown>, events: unknown[]): Promise<string> {
  try {
    for (let next = await source.next(); !next.done; next = await source.next()) events.push(next.value);
    return "the end";
  } catch (error) {
    const [first] = (error as AggregateError).errors as { extensions: { code: string } }[];
    return first?.extensions.code ?? "no code";
  }
}

describe("content that a role shows", () => {
  it("is logged each time with who read what of whom", async () => {
    const logged: unknown[] = [];
    const { log } = app.platform.host;
    const info = log.info.bind(log);
    log.info = (...args: unknown[]) => void logged.push(args[0]);
    const silent: string[] = [];
    let shown = 0;
    for (const object of [...known.values()].filter(({ owner }) => owner === "bob")) {
      logged.length = 0;
      const { type, id } = object;
      const answer = await ask(
        app,
        "auditor",
        `query ($id: ID!) { node(id: $id) { ... on ${type.name} { ${selectionOf(app.platform.schema, type, 1)} } } }`,
        { id },
      );
      const content = foreignSecrets("alice").some(({ owner, mark }) => owner === "bob" && JSON.stringify(answer).includes(mark));
      if (content) shown++;
      if (content && !logged.some((each) => (each as { audit?: { actorId: string } }).audit?.actorId === "auditor"))
        silent.push(`${type.name}: ${JSON.stringify(answer).slice(0, 200)}`);
    }
    log.info = info;
    expect(silent).toEqual([]);
    expect(shown).toBeGreaterThan(10);
  });
});
