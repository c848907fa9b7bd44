import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestPlatform } from "../../../src/testing/index.ts";
import { ada, bob, changesNothing, eve, settle, shippedPlatform, type Belongings } from "../world.ts";

let app: TestPlatform;
let own: Belongings;

beforeAll(async () => {
  app = await shippedPlatform();
  own = await settle(app, ada);
  for (const viewer of [bob, eve]) await settle(app, viewer);
});
afterAll(() => app.close());

const streams = {
  runEvents: { query: "subscription ($after: Int, $id: ID!) { runEvents(run: $id, after: $after) { seq } }", id: () => own.run },
  threadEvents: {
    query: "subscription ($after: Int, $id: ID!) { threadEvents(thread: $id, after: $after) { seq } }",
    id: () => own.thread,
  },
} as const;

interface Refused {
  readonly message: string;
  readonly extensions: { readonly code: string; readonly fix?: string };
}

async function refusal(work: () => Promise<unknown>): Promise<Refused | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return (error as AggregateError).errors[0] as Refused;
  }
}

async function headOf(field: keyof typeof streams): Promise<number> {
  const query = "query ($run: ID!, $thread: ID!) { run(id: $run) { lastSeq } thread(id: $thread) { lastSeq } }";
  const { run, thread } = await app.graphql<{ run: { lastSeq: number }; thread: { lastSeq: number } }>(
    query,
    { run: own.run, thread: own.thread },
    ada,
  );
  return field === "runEvents" ? run.lastSeq : thread.lastSeq;
}

describe.each(["runEvents", "threadEvents"] as const)("%s", (field) => {
  const { query, id } = streams[field];
  const open = async (after: unknown): Promise<void> => {
    const source = await app.subscribe(query, { id: id(), after }, ada);
    await source.return?.();
  };

  it("refuses a place beyond the log, or before its beginning", async () => {
    const head = await headOf(field);
    await changesNothing(app, async () => {
      for (const after of [head + 1, head + 1_000, 2 ** 31 - 1, -1, -(2 ** 31)]) {
        const refused = await refusal(() => open(after));
        expect([after, refused?.extensions.code]).toEqual([after, "INVALID_CURSOR"]);
        expect(refused?.message).toContain(String(after));
        expect(refused?.extensions.fix).toBe("Pass a cursor or seq that the server sent, or none to start anew.");
      }
      for (const after of [2 ** 31, 1.5, "1", true, [1]]) {
        expect([after, (await refusal(() => open(after)))?.extensions.code]).toEqual([after, "INVALID_INPUT"]);
      }
    });
    await open(head);
    await open(0);
    await open(null);
  });
});

describe("the events of a run", () => {
  it("refuse the same places, and pages that are too large or negative", async () => {
    const read = (args: string) => () => app.graphql(`query ($id: ID!) { run(id: $id) { events(${args}) { seq } } }`, { id: own.run }, ada);
    const head = await headOf("runEvents");
    await read(`after: ${head}`)();
    for (const after of [head + 1, -1]) expect((await refusal(read(`after: ${after}`)))?.extensions.code).toBe("INVALID_CURSOR");
    for (const first of [1_001, -1]) expect((await refusal(read(`first: ${first}`)))?.extensions.code).toBe("INVALID_INPUT");
  });
});

describe("several objects by their ids", () => {
  it("are at most 100", async () => {
    const read = (count: number) => () =>
      app.graphql("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", { ids: Array.from({ length: count }, () => own.run) }, ada);
    expect(await read(100)()).toMatchObject({ nodes: { length: 100 } });
    expect((await refusal(read(101)))?.extensions.code).toBe("INVALID_INPUT");
  });
});

describe("a text that no store can hold", () => {
  it.each(["a\u0000b", "half \ud83d", "\udc00"])("is refused wherever it stands: %j", async (text) => {
    const inVariable = "mutation ($input: CreateThreadInput!) { createThread(input: $input) { __typename } }";
    const inDocument = `mutation { createThread(input: { title: ${JSON.stringify(text)} }) { __typename } }`;
    await changesNothing(app, async () => {
      for (const input of [
        { title: text },
        { idempotencyKey: text },
        { config: { metadata: { a: [text] } } },
        { config: { metadata: { [text]: 1 } } },
      ]) {
        const refused = await refusal(() => app.graphql(inVariable, { input }, ada));
        expect(refused?.extensions.code).toBe("INVALID_INPUT");
        expect(refused?.message).toMatch(/^The variable \$input\.\w+/);
      }
      expect((await refusal(() => app.graphql(inDocument, {}, ada)))?.extensions.code).toMatch(/^GRAPHQL_(VALIDATION|PARSE)_FAILED$/);
      expect(
        (await refusal(() => app.graphql("query ($s: String) { agents(search: $s) { totalCount } }", { s: text }, ada)))?.extensions.code,
      ).toBe("INVALID_INPUT");
    });
  });
});
