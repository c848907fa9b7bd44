import { monitorEventLoopDelay } from "node:perf_hooks";
import {
  WeftlineError,
  databaseService,
  defineEventType,
  definePlugin,
  loadRow,
  localIdOrNothing,
  perEvent,
  streamService,
  type GraphBuilder,
  type Scope,
} from "#weftline";
import { Thread } from "#plugins/chat";
import { rememberAll } from "./remember.ts";
import { compact } from "../src/core/runs/compaction.ts";

/** Sources that are as fast as they can be, and long threads without the runs that would have made them. */
export const bench = definePlugin({ id: "bench", schema: addBench });

interface Frame {
  readonly seq: number;
}

function addBench(builder: GraphBuilder): void {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  const Frame = builder.objectRef<Frame>("BenchFrame").implement({
    description: "One of many.",
    fields: (t) => ({
      seq: t.exposeInt("seq", { nullable: false, description: "Which." }),
      type: t.string({ nullable: false, description: "Always the same.", resolve: () => "bench.frame" }),
      text: t.string({ nullable: false, description: "Always the same.", resolve: () => "a few tokens" }),
    }),
  });
  builder.subscriptionField("benchFrames", (t) =>
    t.field({
      type: Frame,
      nullable: false,
      description: "As many frames as asked, as fast as they are read.",
      args: { count: t.arg.int({ required: true, description: "How many." }) },
      subscribe: (_, { count }, scope) => perEvent(scope, frames(count)),
      resolve: (frame) => frame,
    }),
  );
  defineEventType<{ readonly n: number }>(builder, "BenchTickEvent", {
    kinds: ["bench.tick"],
    of: "stream",
    description: "Nothing happened.",
    fields: (t) => ({ benchText: t.string({ nullable: false, description: "A text.", resolve: ({ payload }) => `tick ${payload.n}` }) }),
  });
  builder.mutationFields((t) => ({
    benchAppend: t.boolean({
      description: "Appends events to a thread, in one transaction.",
      args: { thread: t.arg.id({ required: true }), events: t.arg.int({ required: true }) },
      resolve: (_, { thread, events }, scope) => append(scope, String(thread), events),
    }),
    benchFill: t.boolean({
      description: "Adds messages to a thread.",
      args: { thread: t.arg.id({ required: true }), messages: t.arg.int({ required: true }) },
      resolve: (_, { thread, messages }, scope) => fill(scope, String(thread), messages),
    }),
    benchRemember: t.float({
      description: "Remembers the facts of a file. Says how many a second.",
      args: { path: t.arg.string({ required: true }) },
      resolve: (_, { path }, scope) => rememberAll(scope, path),
    }),
    benchPause: t.float({
      description: "For how many milliseconds at most the event loop stood still since this was last asked.",
      resolve: () => {
        const longest = delays.max / 1e6;
        delays.reset();
        delays.enable();
        return longest;
      },
    }),
    benchCompact: t.int({ description: "Compacts now.", resolve: (_, __, scope) => compactAll(scope) }),
  }));
}

/** Always ready, and answered as most sources are: by a promise. */
function frames(count: number): AsyncIterator<Frame> {
  let seq = 0;
  return {
    next: () => Promise.resolve(seq < count ? { value: { seq: ++seq }, done: false } : { value: undefined, done: true }),
    return: () => Promise.resolve({ value: undefined, done: true }),
  };
}

async function threadOf(scope: Scope, id: string): Promise<Thread> {
  const thread = await loadRow(scope, Thread, localIdOrNothing("Thread", id));
  if (!thread) throw new WeftlineError("NOT_FOUND", { what: "thread" });
  return thread;
}

async function append(scope: Scope, id: string, count: number): Promise<boolean> {
  const { streamNum } = await threadOf(scope, id);
  const events = Array.from({ length: count }, (_, n) => ({ kind: "bench.tick", payload: { n } }));
  await scope.write((tx) => scope.use(streamService).append(tx, streamNum, events));
  return true;
}

async function fill(scope: Scope, id: string, count: number): Promise<boolean> {
  const { streamNum, id: threadId } = await threadOf(scope, id);
  await scope.write(async (tx) => {
    for (let n = 0; n < count; n++)
      await scope.use(streamService).addMessage(tx, streamNum, {
        role: n % 2 === 0 ? "USER" : "ASSISTANT",
        parts: [{ type: "text", text: `Message ${n}: a sentence that says about as much as one says.` }],
        threadId,
      });
  });
  return true;
}

async function compactAll(scope: Scope): Promise<number> {
  let all = 0;
  for (;;) {
    const dropped = await compact(scope.use(databaseService), 0);
    if (dropped === 0) return all;
    all += dropped;
  }
}
