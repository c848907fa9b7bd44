import { definePlugin, resultType, type GraphBuilder } from "#weftline";
import { describe, expect, it } from "vitest";
import { testPlatform } from "../../src/testing/index.ts";

const plugin = (id: string, schema: (builder: GraphBuilder) => void) => definePlugin({ id, schema })();

/** A mutation `deskFile` whose result names these kinds of errors. */
const filing = (...errors: readonly string[]) =>
  plugin("desk", (builder) => {
    const filed = resultType<{ readonly ok: boolean }>(builder, "DeskFile", {
      errors: errors as never,
      fields: (t) => ({ ok: t.boolean({ nullable: false, resolve: ({ ok }) => ok }) }),
    });
    builder.mutationField("deskFile", (t) =>
      t.field({ type: filed.type, nullable: false, resolve: () => filed.attempt(async () => ({ ok: true })) }),
    );
  });

describe("a plugin's graph", () => {
  it("may name kinds of errors that every mutation has, and name one twice", async () => {
    await using app = await testPlatform({ plugins: [filing("forbidden", "input", "conflict", "conflict")] });
    const data = await app.graphql("mutation { deskFile { __typename ... on DeskFilePayload { ok } ... on ForbiddenError { message } } }");
    expect(data).toEqual({ deskFile: { __typename: "DeskFilePayload", ok: true } });
    expect(await app.graphql("{ viewer { __typename } }")).toEqual({ viewer: { __typename: "Viewer" } });
  });

  const refused: readonly (readonly [what: string, entry: ReturnType<typeof plugin>, problem: string])[] = [
    ["a kind of error that there is not", filing("teapot"), 'the result "DeskFile" names an error kind "teapot"; there are: input,'],
    [
      "a union that has a member twice",
      plugin("desk", (builder) => {
        const Note = builder.objectRef<object>("DeskNote").implement({ fields: (t) => ({ text: t.string({ resolve: () => "" }) }) });
        builder.queryField("deskNote", (t) =>
          t.field({ type: builder.unionType("DeskAny", { types: [Note, Note] }), resolve: () => null }),
        );
      }),
      "Union type DeskAny can only include type DeskNote once.",
    ],
    [
      "a type without fields",
      plugin("desk", (builder) => {
        const Empty = builder.objectRef<object>("DeskEmpty").implement({ fields: () => ({}) });
        builder.queryField("deskEmpty", (t) => t.field({ type: Empty, resolve: () => null }));
      }),
      "Type DeskEmpty must define one or more fields.",
    ],
    [
      "a root field that begins as no plugin's",
      plugin("desk", (builder) => builder.queryField("notes", (t) => t.string({ resolve: () => "" }))),
      'the field "notes" of Query does not start with "desk".\n    → Rename it to "deskNotes"',
    ],
    [
      "a mutation that only looks like its own",
      plugin("desk", (builder) => builder.mutationField("desktopClear", (t) => t.string({ resolve: () => "" }))),
      'the field "desktopClear" of Mutation does not start with "desk".',
    ],
    [
      "a subscription that begins as no plugin's",
      plugin("desk-top", (builder) =>
        builder.subscriptionField("desk_topped", (t) => t.string({ subscribe: async function* () {}, resolve: () => "" })),
      ),
      'the field "desk_topped" of Subscription does not start with "deskTop".',
    ],
  ];

  it.each(refused)("is refused at boot for %s", async (_, entry, problem) => {
    await expect(testPlatform({ plugins: [entry] })).rejects.toThrow(problem);
    await expect(testPlatform({ plugins: [entry] })).rejects.toThrow('The plugin "desk');
  });
});
