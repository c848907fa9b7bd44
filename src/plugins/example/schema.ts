import { connectionType, inputNamed, loadRows, nodeType, pageArgs, perEvent, resultType, type GraphBuilder } from "#weftline";
import { exampleService, type NewNote } from "./contract.ts";
import { ExampleNote } from "./entities.ts";

/** The graph of notes: a type, a list, a mutation, a subscription. Nothing is loaded or read here, so the printed graph never drifts. */
export function addExampleSchema(builder: GraphBuilder): void {
  nodeType(builder, ExampleNote, {
    name: "ExampleNote",
    description: "A note of the viewer.",
    ownership: { rule: "PRIVATE" },
    load: loadRows(ExampleNote),
    fields: (t) => ({
      text: t.exposeString("text", { nullable: false, description: "What was noted." }),
      createdAt: t.field({ type: "DateTime", nullable: false, description: "When it was noted.", resolve: (note) => note.createdAt }),
    }),
  });
  addList(builder);
  addMutation(builder);
  builder.subscriptionField("exampleNoteAdded", (t) =>
    t.field({
      type: ExampleNote,
      nullable: false,
      description: "The viewer's notes as they are added.",
      subscribe: (_, __, scope) => perEvent(scope, scope.use(exampleService).follow(scope)),
      resolve: (note) => note as ExampleNote,
    }),
  );
}

function addList(builder: GraphBuilder): void {
  const NoteConnection = connectionType(builder, "ExampleNote", ExampleNote);
  builder.queryField("exampleNotes", (t) =>
    t.field({
      type: NoteConnection,
      description: "The viewer's notes, newest first.",
      args: pageArgs(t),
      resolve: (_, args, scope) => scope.use(exampleService).list(scope, args),
    }),
  );
}

function addMutation(builder: GraphBuilder): void {
  const AddNoteInput = inputNamed<NewNote>(builder, "ExampleAddNoteInput");
  builder.inputType(AddNoteInput, {
    description: "A note to keep.",
    fields: (t) => ({
      text: t.string({ required: true, description: "1 to 10,000 characters." }),
      idempotencyKey: t.string({ description: "Makes it safe to send this again." }),
    }),
  });
  const added = resultType<{ readonly note: ExampleNote }>(builder, "ExampleAddNote", {
    errors: ["conflict"],
    fields: (t) => ({ note: t.field({ type: ExampleNote, nullable: false, description: "The note.", resolve: ({ note }) => note }) }),
  });
  builder.mutationField("exampleAddNote", (t) =>
    t.field({
      type: added.type,
      nullable: false,
      description: "Keeps a note.",
      args: { input: t.arg({ type: AddNoteInput, required: true, description: "The note." }) },
      resolve: (_, { input }, scope) => added.attempt(async () => ({ note: await scope.use(exampleService).add(scope, input) })),
    }),
  );
}
