import { hashOf, outcomeText, plainJson, WeftlineError, type ConversationMessage, type ToolOutcome } from "#weftline";
import type { OpenAIOptions } from "#plugins/openai";
import type { Crew, CrewAgent, CrewTask } from "../definition/crew.ts";
import type { AskedCall, OfferedTool } from "../play/model-call.ts";
import { placeOfTask, Shifts, type Place } from "../play/places.ts";
import { settingsOf } from "../play/settings.ts";
import type { Stage } from "../play/stage.ts";
import { limitTime } from "../play/time-limit.ts";
import { conversationOf } from "./messages.ts";
import { askerOf, brokenProtocol, readRequest, type Params, type Request } from "./requests.ts";
import { Standstill } from "./standstill.ts";

/** What Python can read of a call's arguments: its reader of JSON recurses, and what nests too deep has failed its call here already. */
function readable(args: string): string {
  let value: unknown;
  try {
    value = JSON.parse(args);
  } catch {
    return args;
  }
  try {
    plainJson(value);
    return args;
  } catch {
    return "{}";
  }
}

/** A call that the platform has made, until CrewAI comes to it. */
interface MadeCall {
  readonly name: string;
  readonly arguments: string;
  readonly outcome: ToolOutcome;
}

/** Counts the time of one piece of work, which may be a part of another. */
interface Clock {
  readonly parent: number | null;
  readonly stop: () => void;
}

/** Answers what CrewAI asks during one run. */
export class Floor {
  readonly #stage: Stage;
  readonly #options: OpenAIOptions;
  readonly #shifts = new Shifts();
  readonly #places = new Map<number, Place>();
  readonly #made = new Map<number, MadeCall[]>();
  /** What providers want back with their answers, by the ids of their calls. */
  readonly #native = new Map<string, unknown>();
  readonly #standstill = new Standstill();
  readonly #clocks = new Map<number, Clock>();
  readonly #late: (error: WeftlineError) => void;
  #loose = 0;

  /** @param late is told when an agent has taken longer than it may. */
  constructor(stage: Stage, options: OpenAIOptions, late: (error: WeftlineError) => void) {
    this.#stage = stage;
    this.#options = options;
    this.#late = late;
  }

  /** Nothing is answered any more. */
  close(): void {
    for (const { stop } of this.#clocks.values()) stop();
  }

  /** What CrewAI is started with: the crew, the tools, and what earlier turns came to. */
  program(): Readonly<Record<string, unknown>> {
    const { crew, ctx, outputs } = this.#stage;
    const named = new Set([...crew.agents.flatMap(({ tools }) => tools), ...crew.tasks.flatMap(({ tools = [] }) => tools)]);
    // Asked here, so that one that is missing is an error before anything begins.
    this.#stage.toolsNamed([...named]);
    const tools = ctx.tools.filter(({ name }) => named.has(name)).map(({ name, description }) => ({ name, description }));
    const { traceparent } = ctx;
    return { crew, tools, known: Object.fromEntries(outputs), ...(traceparent === undefined ? {} : { traceparent }) };
  }

  /** @throws what the stage throws, PROTOCOL_VIOLATION for what is no request of the protocol. */
  async answer(method: string, params: unknown): Promise<unknown> {
    const request = readRequest(method, params);
    try {
      return await this.#answer(request);
    } catch (error) {
      if (this.#endsTurn(error)) {
        // What others have begun comes to its end before the process goes.
        await this.#halt(askerOf(request));
      }
      throw error;
    }
  }

  /** Nobody's time runs on while they wait, nor that of those who wait for them. */
  async #halt(who: number | string): Promise<void> {
    let clock = typeof who === "number" ? this.#clocks.get(who) : undefined;
    for (; clock; clock = this.#clocks.get(clock.parent ?? 0)) clock.stop();
    this.#standstill.halt(who);
    await this.#standstill.reached;
  }

  /** Whether it is no failure, and the run goes on in another turn. */
  #endsTurn(error: unknown): boolean {
    const { drain } = this.#stage.ctx;
    return (drain.aborted && error === drain.reason) || (error instanceof WeftlineError && error.code === "RUN_SUSPENDED");
  }

  async #answer({ method, params }: Request): Promise<unknown> {
    switch (method) {
      case "task.wanted":
        return this.#isWanted(params);
      case "task.begun":
        return this.#standstill.beginTask(params.task);
      case "task.review":
        return this.#stage.review(this.#task(params.task), { role: params.role }, params.output);
      case "task.finished":
        return this.#stage.done(placeOfTask(this.#task(params.task)), { raw: params.raw, agent: params.agent });
      case "task.left":
        return this.#standstill.endTask(params.task);
      case "shift.started":
        return this.#begin(params);
      case "shift.finished":
        return this.#finish(params);
      case "shift.left":
        return this.#leave(params);
      case "model.call":
        return this.#ask(params);
      case "tool.call":
        return this.#call(params);
    }
  }

  #begin({ shift: number, parent, task, agent: key, role, work }: Params<"shift.started">): void {
    const above = parent === null ? undefined : this.#places.get(parent);
    const member = membersOf(this.#stage.crew).find((each) => each.key === key) ?? { role };
    this.#clocks.set(number, { parent, stop: limitTime(member, this.#late) });
    this.#standstill.beginShift(number, task, parent);
    this.#places.set(number, this.#shifts.next(role, above ?? placeOfTask(this.#task(task)), work ?? undefined));
  }

  async #finish({ shift: number, output }: Params<"shift.finished">): Promise<void> {
    const place = this.#places.get(number);
    if (place) await this.#stage.places.leave(place, "SUCCEEDED", { output });
  }

  #leave({ shift: number }: Params<"shift.left">): void {
    this.#clocks.get(number)?.stop();
    this.#standstill.endShift(number);
  }

  async #ask(asked: Params<"model.call">) {
    const stage = this.#stage;
    const agent = membersOf(stage.crew).find(({ key }) => key === asked.agent) ?? unnamedManager(stage.crew);
    const { llm } = agent;
    const task = this.#task(asked.task);
    const place = asked.shift === null ? undefined : this.#places.get(asked.shift);
    const own = place?.parent?.kind === "TASK" ? stage.schemaOf(task) : undefined;
    const tools = asked.tools.map((tool): OfferedTool => {
      const [platform] = tool.platform === null ? [] : stage.toolsNamed([tool.platform]);
      return platform ?? { name: tool.name, description: tool.description, inputSchema: tool.parameters, by: "crew" };
    });
    const {
      text,
      calls: all,
      native,
    } = await stage.ask({
      place: place ?? placeOfTask(task),
      agent,
      binding: stage.bindingOf(llm),
      messages: this.#withNative(
        conversationOf(asked.messages, (name) => asked.tools.find((tool) => tool.name === name)?.platform ?? name),
      ),
      tools,
      options: settingsOf(llm, this.#options),
      outputSchema: asked.schema ?? own,
      voice: place ? "said" : "thought",
    });
    const isOurs = ({ name }: AskedCall): boolean => tools.some((tool) => tool.name === name && tool.by === "crew");
    // CrewAI would hand on what was cut.
    const calls = all.filter((call) => call.problem === undefined || !isOurs(call));
    for (const { callId } of calls) this.#native.set(callId, native);
    await this.#make(
      asked.shift,
      calls.filter((call) => !isOurs(call)),
    );
    const crewName = (name: string): string => asked.tools.find(({ platform }) => platform === name)?.name ?? name;
    return {
      text,
      calls: calls.map(({ callId, name, arguments: args }) => ({ id: callId, name: crewName(name), arguments: readable(args) })),
    };
  }

  /** CrewAI gives back what was said, without what the provider wants back with it. */
  #withNative(messages: readonly ConversationMessage[]): ConversationMessage[] {
    return messages.map((message) => {
      const native = message.role === "ASSISTANT" ? this.#native.get(message.toolCalls[0]?.callId ?? "") : undefined;
      return native === undefined ? message : { ...message, native };
    });
  }

  /** Makes an answer's calls at once and together; CrewAI, which comes to them one after the other, is given what came of them. */
  async #make(number: number | null, calls: readonly AskedCall[]): Promise<void> {
    if (number === null) return;
    const outcomes = calls.length > 0 ? await this.#stage.call(calls) : [];
    this.#made.set(
      number,
      outcomes.flatMap((outcome, index) => {
        const call = calls[index];
        return call ? [{ name: call.name, arguments: canonical(call.arguments), outcome }] : [];
      }),
    );
  }

  async #call({ shift: number, name, arguments: args }: Params<"tool.call">): Promise<string> {
    const made = this.#made.get(number) ?? [];
    const named = made.filter((call) => call.name === name);
    const found = named.find((call) => call.arguments === hashOf(args)) ?? named[0];
    if (found) {
      made.splice(made.indexOf(found), 1);
      return outcomeText(found.outcome);
    }
    // A model that writes its calls as text: CrewAI read this one out of it.
    const callId = `text-${hashOf([number, name, args]).slice(0, 16)}-${++this.#loose}`;
    const [outcome] = await this.#stage.call([{ callId, name, arguments: JSON.stringify(args) }]);
    return outcomeText(outcome);
  }

  async #isWanted({ task: name }: Params<"task.wanted">): Promise<boolean> {
    const task = this.#task(name);
    const known = this.#stage.outputOf(name);
    if (known) return !known.skipped;
    if (await this.#stage.isWanted(task)) return true;
    const agent = this.#stage.crew.agents.find(({ key }) => key === task.agent)?.role ?? "";
    await this.#stage.done(placeOfTask(task), { raw: "", agent, skipped: true });
    return false;
  }

  #task(name: string): CrewTask {
    const task = this.#stage.crew.tasks.find((each) => each.name === name);
    if (!task) throw brokenProtocol(`there is no task ${name}`);
    return task;
  }
}

function unnamedManager({ managerLlm }: Crew): Pick<CrewAgent, "key" | "role" | "llm"> {
  return { key: "", role: "Crew Manager", llm: managerLlm };
}

function membersOf({ agents, manager }: Crew): readonly CrewAgent[] {
  return manager ? [...agents, manager] : agents;
}

function canonical(args: string): string {
  try {
    return hashOf(JSON.parse(args || "{}"));
  } catch {
    return args;
  }
}
