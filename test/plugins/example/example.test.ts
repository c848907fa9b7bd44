import { tools, type ToolContext } from "#weftline";
import { beforeEach, afterEach, describe, expect, it } from "vitest";
import { example } from "../../../src/plugins/example/index.ts";
import { openLoom } from "../workflows/runs/loom.ts";
import { collect, defaultViewer, testPlatform, testViewer, type TestPlatform } from "../../../src/testing/index.ts";

const bob = testViewer("bob");

const addNote = `mutation ($input: ExampleAddNoteInput!) {
  exampleAddNote(input: $input) {
    __typename
    ... on ExampleAddNotePayload { note { id text } }
    ... on UserError { code message path }
  }
}`;

interface Added {
  readonly exampleAddNote: {
    readonly __typename: string;
    readonly note?: { readonly id: string; readonly text: string };
    readonly code?: string;
  };
}

interface Listed {
  readonly exampleNotes: { readonly nodes: readonly { readonly text: string }[]; readonly totalCount: number };
}

const list = "{ exampleNotes(first: 10) { totalCount nodes { text } } }";

let app: TestPlatform;
beforeEach(async () => {
  app = await testPlatform({ plugins: [example({ maxNotes: 3 })] });
});
afterEach(() => app.close());

async function add(text: string, viewer = defaultViewer, idempotencyKey?: string): Promise<Added["exampleAddNote"]> {
  const { exampleAddNote } = await app.graphql<Added>(addNote, { input: { text, idempotencyKey } }, viewer);
  return exampleAddNote;
}

async function texts(viewer = defaultViewer): Promise<string[]> {
  const { exampleNotes } = await app.graphql<Listed>(list, {}, viewer);
  return exampleNotes.nodes.map(({ text }) => text);
}

describe("notes", () => {
  it("are listed newest first, also after a restart", async () => {
    await add("first");
    await add("second");
    await app.restart();
    expect(await app.graphql<Listed>(list)).toEqual({ exampleNotes: { totalCount: 2, nodes: [{ text: "second" }, { text: "first" }] } });
  });

  it("belong to who wrote them", async () => {
    const { note } = await add("secret");
    expect(await texts(bob)).toEqual([]);
    const byId = "query ($id: ID!) { node(id: $id) { ... on ExampleNote { text } } }";
    expect(await app.graphql(byId, { id: note?.id })).toEqual({ node: { text: "secret" } });
    expect(await app.graphql(byId, { id: note?.id }, bob)).toEqual({ node: null });
    expect(await app.graphql(byId, { id: note?.id }, { ...defaultViewer, tenantId: "other" })).toEqual({ node: null });
  });

  it("answer an empty text as data", async () => {
    expect(await add("  ")).toMatchObject({ __typename: "InvalidInputError", code: "INVALID_INPUT", path: ["input", "text"] });
    expect(await texts()).toEqual([]);
  });

  it("are limited by the configuration, for each person", async () => {
    for (const text of ["a", "b", "c"]) await add(text);
    expect(await add("d")).toMatchObject({ __typename: "ConflictError", code: "CONFLICT" });
    expect(await add("mine", bob)).toMatchObject({ note: { text: "mine" } });
  });

  it("are added once for a request that comes twice", async () => {
    const first = await add("once", defaultViewer, "key-1");
    expect(await add("once", defaultViewer, "key-1")).toEqual(first);
    expect(await add("other", defaultViewer, "key-1")).toMatchObject({ code: "IDEMPOTENCY_CONFLICT" });
    expect(await texts()).toEqual(["once"]);
  });

  it("are heard as they are added, by who owns them", async () => {
    const heard = await app.subscribe<{ exampleNoteAdded: { text: string } }>("subscription { exampleNoteAdded { text } }");
    await add("not yours", bob);
    await add("yours");
    const [event] = await collect(heard, { until: () => true });
    expect(event).toEqual({ exampleNoteAdded: { text: "yours" } });
  });
});

describe("the tool", () => {
  it("reads the notes of the person whom the agent works for", async () => {
    await add("theirs", bob);
    await add("mine");
    const tool = app.platform.kernel.registry.contributions(tools).get("example.notes");
    expect(tool?.plugin).toBe("example");
    const { tenantId, actorId: ownerId } = defaultViewer;
    expect(await tool?.value.execute({} as never, { tenantId, ownerId } as ToolContext)).toEqual({ notes: ["mine"] });
  });
});

describe("the configuration", () => {
  it("is checked at boot", async () => {
    await expect(testPlatform({ plugins: [example({ maxNotes: 0 })] })).rejects.toThrow(
      'The configuration of "example" is not valid: maxNotes',
    );
  });
});

it("keeps a note for the owner of a workflow's run, as a person has changed it, and not more than are allowed", async () => {
  await using loom = await openLoom({ plugins: [example({ maxNotes: 1 })] });
  const note = [{ key: "note", kind: "example.note", config: { text: "{{ input.text }}", review: true } }];
  const keep = async (decision: object) => {
    const run = await loom.start(await loom.create(note), { text: "Buy milk" });
    await loom.follow(run, async ({ interrupt, interruptStatus }) => {
      if (interrupt && interruptStatus === "PENDING") await loom.decide(interrupt, decision);
      return false;
    });
    return loom.look(run);
  };
  expect(await keep({ kind: "REJECT", reason: "No milk." })).toMatchObject({
    status: "FAILED",
    failure: { message: expect.stringContaining("No milk.") as string },
  });
  expect(await keep({ kind: "EDIT", arguments: { text: "Buy oat milk" } })).toMatchObject({ output: { text: "Buy oat milk" } });
  expect(await loom.app.graphql<Listed>(list)).toEqual({ exampleNotes: { totalCount: 1, nodes: [{ text: "Buy oat milk" }] } });
  expect(await keep({ kind: "APPROVE" })).toMatchObject({
    status: "FAILED",
    failure: { message: expect.stringContaining("more than 1 are not allowed") as string },
  });
});
