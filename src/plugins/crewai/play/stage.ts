import {
  WeftlineError,
  type ConversationMessage,
  type ModelBinding,
  type Models,
  type RunContext,
  type RunRequest,
  type ToolOutcome,
} from "#weftline";
import { limitReached } from "#plugins/openai";
import { holds } from "../definition/condition.ts";
import type { Crew, CrewAgent, CrewTask, ModelChoice } from "../definition/crew.ts";
import type { Events } from "./events.ts";
import { hashOfRequest, type AskedCall, type ModelAnswer, type ModelRequest, type OfferedTool } from "./model-call.ts";
import { Paces, waitFor } from "./pace.ts";
import { Places, type Place } from "./places.ts";
import type { CrewOptions } from "../options.ts";
import type { RunRecord, TaskOutput } from "./record.ts";
import type { Speaker } from "./speaker.ts";
import { Reviews, type Verdict } from "./reviews.ts";

/** What a stage is set with. */
export interface StageOptions {
  readonly crew: Crew;
  readonly request: Pick<RunRequest<Pick<CrewOptions, "maxSteps">>, "messages" | "options" | "outputSchema">;
  readonly ctx: RunContext;
  readonly events: Events;
  readonly record: RunRecord;
  readonly speaker: Speaker;
  readonly models: Pick<Models, "resolve">;
}

/**
 * What both engines play a crew on: they decide who does what, and the stage asks models, makes calls, asks people and tells it all. It remembers
 * what earlier turns of the run did, and does none of that twice.
 */
export class Stage {
  readonly crew: Crew;
  readonly ctx: RunContext;
  readonly places: Places;
  readonly #options: StageOptions;
  readonly #reviews: Reviews;
  readonly #counted = new Map<string, number>();
  readonly #paces: Paces;
  #asked = 0;
  #lastSaid: string | undefined;
  #suspended: WeftlineError | undefined;

  constructor(options: StageOptions) {
    this.#options = options;
    this.crew = options.crew;
    this.ctx = options.ctx;
    this.places = new Places(options.events);
    this.#reviews = new Reviews(options.ctx);
    this.#paces = new Paces(options.crew.maxRpm);
    this.#lastSaid = options.request.messages.findLast((message) => isOwn(message, options.ctx.runId))?.text;
  }

  /** What a task came to on an earlier turn. */
  outputOf(task: string): TaskOutput | undefined {
    return this.#options.record.outputs.get(task);
  }

  /** All outputs so far, in the order of the tasks. */
  get outputs(): ReadonlyMap<string, TaskOutput> {
    const { outputs } = this.#options.record;
    return new Map(this.crew.tasks.flatMap(({ name }) => (outputs.has(name) ? [[name, outputs.get(name) as TaskOutput]] : [])));
  }

  /** The shape of a task's answer: its own, or for the last task that of the run. */
  schemaOf(task: CrewTask): Readonly<Record<string, unknown>> | undefined {
    return task === this.crew.tasks.at(-1) ? (this.#options.request.outputSchema ?? task.outputSchema) : task.outputSchema;
  }

  /** @throws INVALID_INPUT for a tool that the run's agent does not have. */
  toolsNamed(names: readonly string[]): readonly OfferedTool[] {
    return names.map((name) => {
      const tool = this.ctx.tools.find((each) => each.name === name);
      if (tool) return { name, description: tool.description, inputSchema: tool.inputSchema, by: "platform" };
      const message = `The crew "${this.crew.name}" wants the tool "${name}", which the agent does not have: add it to the agent's capabilities.`;
      throw new WeftlineError("INVALID_INPUT", { message, path: ["capabilities"] });
    });
  }

  /**
   * The model of an agent. In a simulated run all of it is simulated, and in a live one nothing is: a run says one of both.
   *
   * @throws SIMULATION_FORBIDDEN, INVALID_INPUT
   */
  bindingOf({ model }: ModelChoice): ModelBinding {
    const own = this.ctx.model;
    if (model === undefined || own.provenance === "SIMULATED") return own;
    return this.ctx.metered(this.#options.models.resolve(model, { simulated: "forbidden" }));
  }

  /** Whether a task's condition is met by what came before it. */
  async isWanted(task: CrewTask): Promise<boolean> {
    if (task.condition === undefined) return true;
    const outputs = Object.fromEntries([...this.outputs].map(([name, { raw }]) => [name, raw]));
    const output = [...this.outputs.values()].at(-1)?.raw ?? "";
    return holds(task.name, task.condition, { output, outputs, inputs: this.crew.inputs }, this.ctx.owner);
  }

  /** Notes a task's output; the step ends with it. */
  async done(place: Place, output: TaskOutput): Promise<void> {
    const first = !this.#options.record.outputs.has(place.task);
    if (!first) return;
    await this.places.enter(place);
    await this.#options.record.done(place.task, output, place.key);
    const patch = [{ op: "add", path: `/tasks/${pointerOf(place.task)}`, value: output }];
    await this.#options.events.tell({ kind: "state.patched", patch });
    await this.places.leave(place, output.skipped ? "SKIPPED" : "SUCCEEDED", { output: output.raw });
  }

  /** Asks a model, once for the same question. @throws RUN_LIMIT, a `PROVIDER_…` code, also where it says nothing */
  ask(request: ModelRequest): Promise<ModelAnswer> {
    return this.#working(async () => {
      const { record, speaker } = this.#options;
      const most = Math.min(this.ctx.limits.maxSteps, this.#options.request.options.maxSteps ?? Number.POSITIVE_INFINITY);
      if (++this.#asked > most) throw limitReached(most);
      const number = this.#count(request.place.key);
      const hash = hashOfRequest(request);
      const key = `${hash}-${this.#count(hash)}`;
      const known = (record.answer(key) as ModelAnswer | undefined) ?? this.#loggedAnswer(key);
      if (known) return known;
      // All that was answered is noted: whoever goes on asks nobody twice.
      this.ctx.drain.throwIfAborted();
      await this.places.enter(request.place);
      await this.#keepPace(request);
      const answer = answered(request, await speaker.speak(request, key, `${request.place.key}/model/${number}`));
      if (request.voice === "said") this.#lastSaid = answer.text;
      await record.note(request.place.task, key, answer);
      return answer;
    });
  }

  /** Makes calls of an answer. @throws RUN_SUSPENDED */
  call(calls: readonly AskedCall[]): Promise<readonly ToolOutcome[]> {
    return this.#working(() => this.ctx.callTools(calls));
  }

  /** Lets a person look at an output. @throws RUN_SUSPENDED */
  review(task: CrewTask, agent: Pick<CrewAgent, "role">, output: string): Promise<Verdict> {
    return this.#working(() => this.#reviews.ask(task, agent, output));
  }

  /** Says the crew's result where it is not what was said last. */
  async conclude(result: string): Promise<void> {
    if (this.#lastSaid === result) return;
    const { events } = this.#options;
    await events.tell({ kind: "message.started", message: "result" });
    await events.tell({ kind: "message.delta", message: "result", part: 0, channel: "TEXT", text: result });
    await events.tell({ kind: "message.finished", message: "result", status: "COMPLETE" });
  }

  /** Waits until the crew and the agent may ask a model again, and says so. */
  async #keepPace({ agent }: ModelRequest): Promise<void> {
    const ms = Math.ceil(this.#paces.take(agent));
    if (ms === 0) return;
    await this.#options.events.tell({ kind: "custom", name: "crewai.paced", data: { agent: agent.role, ms } });
    await waitFor(ms, AbortSignal.any([this.ctx.signal, this.ctx.drain]));
  }

  #count(what: string): number {
    const times = (this.#counted.get(what) ?? 0) + 1;
    this.#counted.set(what, times);
    return times;
  }

  /** A wait of one part lets what the others have begun come to its end, and nothing more begin. */
  async #working<T>(work: () => Promise<T>): Promise<T> {
    if (this.#suspended) throw this.#suspended;
    try {
      return await work();
    } catch (error) {
      if (error instanceof WeftlineError && error.code === "RUN_SUSPENDED") this.#suspended = error;
      throw error;
    }
  }

  /** An answer that stands in the log, though the process was lost before it was noted: its calls carry the name of the question. */
  #loggedAnswer(key: string): ModelAnswer | undefined {
    const own = this.#options.request.messages.find(
      (message) => isOwn(message, this.ctx.runId) && message.toolCalls[0]?.callId.startsWith(`${key}-`) === true,
    );
    if (own?.role !== "ASSISTANT") return undefined;
    const calls = own.toolCalls.map(({ callId, name, arguments: args }) => ({
      callId,
      name,
      arguments: typeof args === "string" ? args : JSON.stringify(args ?? {}),
    }));
    return { text: own.text, calls, ...(own.native === undefined ? {} : { native: own.native }) };
  }
}

/** An answer without the calls of one who was offered no tools. */
function answered({ binding: { provider }, place, tools }: ModelRequest, answer: ModelAnswer): ModelAnswer {
  const { text } = answer;
  const calls = tools.length > 0 ? answer.calls : [];
  if (calls.length > 0 || text.trim() !== "") return { ...answer, calls };
  const problem = `its model answered "${place.name}" with nothing.`;
  throw new WeftlineError("PROVIDER_FAILED", { provider, plugin: "crewai", status: 200, problem });
}

function isOwn(message: ConversationMessage, runId: string): message is Extract<ConversationMessage, { role: "ASSISTANT" }> {
  return message.role === "ASSISTANT" && message.runId === runId;
}

function pointerOf(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}
