import { WeftlineError } from "../errors.ts";
import type { OwnCast } from "./cast.ts";
import type { ProgramContext } from "./program.ts";
import { programState } from "./program-state.ts";
import { untilAborted } from "./plugin-work.ts";
import { commonContext } from "./run-context.ts";
import { inputOf } from "./values/rows.ts";
import { plainOutput } from "./output.ts";
import { checkClosed, checkOutput, hear, type Answer, type Stage } from "./stage.ts";

/**
 * Runs one turn of a program that needs no framework. After the end of the turn it is heard no more.
 *
 * @throws RUN_SUSPENDED where a call of it waits for a person; PROTOCOL_VIOLATION; what the program throws.
 */
export async function perform(stage: Stage, { program, plugin, tools }: OwnCast): Promise<Answer> {
  const { host, run, session, abort, end } = stage;
  const { text, data } = (await inputOf(host.database.read, run)) ?? {};
  const common = commonContext(stage, tools);
  let over = false;
  const checkOnTime = (): void => {
    abort.signal.throwIfAborted();
    if (over) throw new WeftlineError("PROTOCOL_VIOLATION", { plugin, problem: "it went on after the end of its turn" });
  };
  const ctx: ProgramContext = {
    ...common,
    input: data ?? null,
    text,
    ending: end.signal,
    pausing: stage.pausing.signal,
    state: programState(stage),
    say: (body) => {
      checkOnTime();
      return hear(stage, plugin, body);
    },
    flush: () => session.flush(),
    callTools: async (calls) => {
      checkOnTime();
      return common.callTools(calls);
    },
    ask: async (question) => {
      checkOnTime();
      return common.ask(question);
    },
  };
  try {
    const output = plainOutput(await untilAborted(Promise.resolve(program.run(ctx)), abort.signal));
    checkClosed(stage, plugin);
    if (run.settings.outputSchema) await checkOutput(host, run, { schema: run.settings.outputSchema, output });
    return { output, text: typeof output === "string" ? output : session.lastText };
  } finally {
    over = true;
  }
}
