import { Message, Run, inputNamed, localId, resultType, runLimitsOf, type GraphBuilder } from "#weftline";
import { chatService, type Answering } from "../contract.ts";
import type { SendMessageInput } from "./inputs.ts";

export function addMessageMutations(builder: GraphBuilder): void {
  addSending(builder);
  const typed = resultType<{ readonly expiresAt: number | null }>(builder, "SetTyping", {
    fields: (t) => ({
      expiresAt: t.field({
        type: "DateTime",
        description: "Until when the typing is shown; null where it ended.",
        resolve: ({ expiresAt }) => expiresAt,
      }),
    }),
  });
  builder.mutationField("setTyping", (t) =>
    t.field({
      type: typed.type,
      nullable: false,
      description: "Shows that the viewer types in a thread. Lapses after 6 s: say it again every 3 s.",
      args: {
        thread: t.arg.id({ required: true, description: "The thread." }),
        typing: t.arg.boolean({ required: true, description: "Whether the viewer types." }),
      },
      resolve: (_, { thread: id, typing }, scope) =>
        typed.attempt(async () => {
          const thread = await scope.use(chatService).find(scope, localId("Thread", String(id), ["thread"]));
          return { expiresAt: scope.use(chatService).type(scope, thread, typing ? "typing" : "idle") };
        }),
    }),
  );
}

function addSending(builder: GraphBuilder): void {
  const sent = answeringResult(builder, "SendMessage", ["userMessage", "The message as it was added."]);
  const regenerated = answeringResult(builder, "RegenerateMessage", [
    "replacedMessage",
    "The answer that the new one replaces; it stays until the new one begins.",
  ]);
  builder.mutationFields((t) => ({
    sendMessage: t.field({
      type: sent.type,
      nullable: false,
      description: "Adds a message to a thread and starts the run that answers it. Answers at once; follow the answer with threadEvents.",
      args: {
        input: t.arg({ type: inputNamed<SendMessageInput>(builder, "SendMessageInput"), required: true, description: "The message." }),
      },
      resolve: (_, { input: { thread, limits, ...input } }, scope) =>
        sent.attempt(() => {
          const request = {
            ...input,
            thread: localId("Thread", thread, ["input", "thread"]),
            limits: runLimitsOf(limits, ["input", "limits"]),
          };
          return scope.use(chatService).send(scope, request);
        }),
    }),
    regenerateMessage: t.field({
      type: regenerated.type,
      nullable: false,
      description: "Starts another answer in place of the thread's latest one.",
      args: {
        message: t.arg.id({ required: true, description: "An answer of the thread's latest turn." }),
        idempotencyKey: t.arg.string({ description: "Makes it safe to send this again." }),
      },
      resolve: (_, { message, idempotencyKey }, scope) =>
        regenerated.attempt(() => {
          const request = { message: localId("Message", String(message), ["message"]), idempotencyKey };
          return scope.use(chatService).regenerate(scope, request);
        }),
    }),
  }));
}

function answeringResult(builder: GraphBuilder, name: string, [field, about]: readonly [field: string, about: string]) {
  return resultType<Answering>(builder, name, {
    errors: ["conflict", "unavailable", "budget"],
    fields: (t) => ({
      [field]: t.field({ type: Message, nullable: false, description: about, resolve: ({ message }) => message }),
      run: t.field({ type: Run, nullable: false, description: "The run that answers.", resolve: ({ run }) => run }),
    }),
  });
}
