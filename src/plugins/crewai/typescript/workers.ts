import type { ConversationMessage, ToolOutcome } from "#weftline";
import type { OpenAIOptions } from "#plugins/openai";
import type { CrewAgent } from "../definition/crew.ts";
import type { AskedCall, OfferedTool } from "../play/model-call.ts";
import type { Place, Shifts } from "../play/places.ts";
import { settingsOf } from "../play/settings.ts";
import type { Stage } from "../play/stage.ts";
import { limitTime } from "../play/time-limit.ts";
import { coworkerNamed, delegationTools, handedOn } from "./delegation.ts";
import { assignment, feedbackNote, lastCall, persona } from "./prompts.ts";
import { together } from "./together.ts";

/** What one agent works on. */
export interface Assignment {
  readonly agent: CrewAgent;
  readonly place: Place;
  readonly prompt: string;
  readonly tools: readonly OfferedTool[];
  readonly coworkers: readonly CrewAgent[];
  readonly outputSchema: Readonly<Record<string, unknown>> | undefined;
  /** What a person says to an answer: nothing more to do, another answer, or a wish. */
  readonly review?: (answer: string) => Promise<{ readonly answer: string } | { readonly wish: string }>;
  readonly options: OpenAIOptions;
}

/** Agents at work. */
export class Workers {
  readonly #stage: Stage;
  readonly #shifts: Shifts;

  constructor(stage: Stage, shifts: Shifts) {
    this.#stage = stage;
    this.#shifts = shifts;
  }

  /** One agent's work, from what it is asked to its answer. */
  async work(assigned: Assignment): Promise<string> {
    const { agent, place } = assigned;
    const { promise: late, reject } = Promise.withResolvers<never>();
    const inTime = limitTime(agent, reject);
    const answer = await Promise.race([this.#converse(assigned), late]).finally(inTime);
    await this.#stage.places.leave(place, "SUCCEEDED", { output: answer });
    return answer;
  }

  async #converse({ agent, place, prompt, tools, coworkers, outputSchema, review, options }: Assignment): Promise<string> {
    const stage = this.#stage;
    const offered = [...tools, ...(agent.delegates && coworkers.length > 0 ? delegationTools(coworkers) : [])];
    const messages: ConversationMessage[] = [told(persona(agent)), asked(prompt)];
    const binding = stage.bindingOf(agent.llm);
    let left = agent.maxIterations;
    for (;;) {
      const over = left-- === 0;
      if (over) messages.push(asked(lastCall));
      const { text, calls, native } = await stage.ask({
        place,
        agent,
        binding,
        messages,
        tools: over ? [] : offered,
        options: settingsOf(agent.llm, options),
        outputSchema,
        voice: "said",
      });
      if (calls.length > 0) {
        const outcomes = await this.#settle(calls, offered, { place, coworkers, options });
        const toolCalls = calls.map((call) => withOutcome(call, outcomes.get(call.callId)));
        messages.push({ role: "ASSISTANT", text, toolCalls, ...(native === undefined ? {} : { native }) });
        continue;
      }
      const reviewed = await review?.(text);
      if (!reviewed) return text;
      if ("answer" in reviewed) return reviewed.answer;
      messages.push({ role: "ASSISTANT", text, toolCalls: [] }, asked(feedbackNote(reviewed.wish)));
      left = agent.maxIterations;
    }
  }

  /** Calls of tools go to the platform together; what is handed on is done beside them. */
  async #settle(
    calls: readonly AskedCall[],
    offered: readonly OfferedTool[],
    more: Pick<Assignment, "place" | "coworkers" | "options">,
  ): Promise<ReadonlyMap<string, ToolOutcome>> {
    const isOurs = ({ name }: AskedCall): boolean => offered.some((tool) => tool.name === name && tool.by === "crew");
    const theirs = calls.filter((call) => !isOurs(call));
    const made = async (): Promise<[string, ToolOutcome][]> => {
      const outcomes = theirs.length > 0 ? await this.#stage.call(theirs) : [];
      return outcomes.map((outcome, index) => [theirs[index]?.callId ?? "", outcome]);
    };
    const handed = calls
      .filter(isOurs)
      .map(async (call): Promise<[string, ToolOutcome][]> => [[call.callId, await this.#handOn(call, more)]]);
    return new Map((await together([made(), ...handed])).flat());
  }

  async #handOn(call: AskedCall, { place, coworkers, options }: Pick<Assignment, "place" | "coworkers" | "options">): Promise<ToolOutcome> {
    const handed = call.problem ?? handedOn(call);
    if (typeof handed === "string") return { status: "ERROR", error: handed };
    const coworker = coworkerNamed(handed.coworker, coworkers);
    if (!coworker)
      return {
        status: "ERROR",
        error: `There is no coworker "${handed.coworker}". There are: ${coworkers.map(({ role }) => role).join("; ")}.`,
      };
    const expectedOutput = handed.kind === "question" ? "A complete answer to the question." : "The complete result of the work.";
    const prompt = assignment({ description: handed.work, expectedOutput, markdown: false }, handed.context === "" ? [] : [handed.context]);
    const tools = this.#stage.toolsNamed(coworker.tools);
    const at = this.#shifts.next(coworker.role, place, { work: handed.work, context: handed.context });
    const result = await this.work({
      agent: { ...coworker, delegates: false },
      place: at,
      prompt,
      tools,
      coworkers: [],
      outputSchema: undefined,
      options,
    });
    return { status: "SUCCESS", result };
  }
}

const told = (text: string): ConversationMessage => ({ role: "SYSTEM", parts: [{ type: "text", text }] });
const asked = (text: string): ConversationMessage => ({ role: "USER", parts: [{ type: "text", text }] });

type MadeCall = Extract<ConversationMessage, { role: "ASSISTANT" }>["toolCalls"][number];

function withOutcome({ callId, name, arguments: args }: AskedCall, outcome: ToolOutcome | undefined): MadeCall {
  return { callId, name, arguments: args, ...(outcome ? { outcome } : {}) };
}
