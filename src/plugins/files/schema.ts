import {
  connectionType,
  extendInput,
  globalId,
  inputNamed,
  loadRow,
  loadRows,
  localId,
  nodeType,
  pageArgs,
  resultType,
  unionMember,
  type GraphBuilder,
  type StoredFile,
} from "#weftline";
import { filesService, type NewFile } from "./contract.ts";
import { UploadedFile } from "./entities.ts";
import { urlOf } from "./route.ts";

export function addFilesSchema(builder: GraphBuilder): void {
  nodeType(builder, UploadedFile, {
    name: "File",
    description: "A file of the viewer: announced with createFile, uploaded with a PUT, held by the messages that name it.",
    ownership: { rule: "PRIVATE" },
    load: loadRows(UploadedFile),
    fields: (t) => ({
      name: t.exposeString("name", { nullable: false, description: "What its owner calls it." }),
      mediaType: t.exposeString("mediaType", { nullable: false, description: "What it is, as in image/png." }),
      size: t.field({ type: "SafeInt", nullable: false, description: "How many bytes it has.", resolve: ({ size }) => size }),
      url: t.string({
        nullable: false,
        description: "Where its bytes are, on this server: GET it with the viewer's credentials. 409 until they are uploaded.",
        resolve: (file) => urlOf(file),
      }),
      createdAt: t.field({
        type: "DateTime",
        nullable: false,
        description: "When it was announced.",
        resolve: ({ createdAt }) => createdAt,
      }),
    }),
  });
  addPart(builder);
  addList(builder);
  addCreate(builder);
  addDelete(builder);
}

function addPart(builder: GraphBuilder): void {
  const FilePart = builder.objectRef<StoredFile>("FilePart").implement({
    description: "A file in a message. What it was called, what it is and its size stay, also where the file was deleted.",
    fields: (t) => ({
      file: t.field({
        type: UploadedFile,
        description: "The file; null where it was deleted, or where the viewer may not see it.",
        resolve: ({ file }, _, scope) => loadRow(scope, UploadedFile, file),
      }),
      name: t.exposeString("name", { nullable: false, description: "What the file was called when it was sent." }),
      mediaType: t.exposeString("mediaType", { nullable: false, description: "What it is, as in image/png." }),
      size: t.field({ type: "SafeInt", nullable: false, description: "How many bytes it has.", resolve: ({ size }) => size }),
    }),
  });
  const isMember = (part: { readonly type?: string }): boolean => part.type === "file";
  unionMember(builder, "MessagePart", { type: FilePart, typeName: "FilePart", isMember });
  extendInput(builder, "MessagePartInput", (t) => ({ file: t.id({ description: "A file of the viewer's that is uploaded." }) }));
}

function addList(builder: GraphBuilder): void {
  builder.queryField("files", (t) =>
    t.field({
      type: connectionType(builder, "File", UploadedFile),
      description: "The viewer's files, newest first.",
      args: { search: t.arg.string({ description: "Only those whose name holds this." }), ...pageArgs(t) },
      resolve: (_, { search, ...args }, scope) => scope.use(filesService).list(scope, { search }, args) as never,
    }),
  );
}

function addDelete(builder: GraphBuilder): void {
  const deleted = resultType<{ readonly id: string }>(builder, "DeleteFile", {
    errors: ["conflict"],
    fields: (t) => ({
      deletedFileId: t.id({ nullable: false, description: "The file that is gone.", resolve: ({ id }) => globalId("File", id) }),
    }),
  });
  builder.mutationField("deleteFile", (t) =>
    t.field({
      type: deleted.type,
      nullable: false,
      description: "Deletes a file. Messages that name it keep its name, type and size; agents are told that it was deleted.",
      args: { file: t.arg.id({ required: true, description: "The file." }) },
      resolve: (_, { file }, scope) =>
        deleted.attempt(async () => {
          const id = localId("File", String(file), ["file"]);
          await scope.use(filesService).delete(scope, id);
          return { id };
        }),
    }),
  );
}

function addCreate(builder: GraphBuilder): void {
  const CreateFileInput = inputNamed<NewFile>(builder, "CreateFileInput");
  builder.inputType(CreateFileInput, {
    description: "A file to upload.",
    fields: (t) => ({
      name: t.string({ required: true, description: "What to call it, 1 to 255 characters without slashes." }),
      mediaType: t.string({ required: true, description: "What it is, as in image/png." }),
      size: t.field({ type: "SafeInt", required: true, description: "How many bytes it has." }),
      idempotencyKey: t.string({
        description: "Makes it safe to send this again: for 24 hours the same key and body give the first answer.",
      }),
    }),
  });
  const created = resultType<{ readonly file: UploadedFile }>(builder, "CreateFile", {
    errors: ["conflict"],
    fields: (t) => ({
      file: t.field({ type: UploadedFile, nullable: false, description: "The file, without its bytes yet.", resolve: ({ file }) => file }),
      uploadUrl: t.string({
        nullable: false,
        description: "Where to PUT its bytes, on this server, once, with the viewer's credentials and the announced content-type.",
        resolve: ({ file }) => urlOf(file),
      }),
    }),
  });
  builder.mutationField("createFile", (t) =>
    t.field({
      type: created.type,
      nullable: false,
      description: "Announces a file. What is not uploaded, or is held by no message in the end, goes by itself.",
      args: { input: t.arg({ type: CreateFileInput, required: true, description: "The file." }) },
      resolve: (_, { input }, scope) => created.attempt(async () => ({ file: await scope.use(filesService).create(scope, input) })),
    }),
  );
}
