import {
  WeftlineError,
  type AgentRuntime,
  type Models,
  type RunContext,
  type RunEventBody,
  type RunRequest,
  type RuntimeStatus,
} from "#weftline";
import { createSdkLoader, openaiOptions } from "#plugins/openai";
import { z } from "zod";
import type { Crew, ReadCrew } from "./definition/crew.ts";
import { askedBy, interpolate } from "./definition/inputs.ts";
import { modelProblems } from "./definition/models.ts";
import { readCrew } from "./definition/read.ts";
import { withRecalled } from "./definition/recalled.ts";
import { crewOfOne } from "./definition/single.ts";
import type { CrewEngine } from "./engine.ts";
import { crewOptions, type CrewOptions } from "./options.ts";
import { Events } from "./play/events.ts";
import { RunRecord } from "./play/record.ts";
import { Speaker } from "./play/speaker.ts";
import { Stage } from "./play/stage.ts";

/** What the runtime works with. */
export interface CrewHost {
  readonly models: Pick<Models, "list" | "status" | "resolve">;
  /** By name. */
  readonly crews: ReadonlyMap<string, ReadCrew>;
  readonly engines: { readonly python: CrewEngine; readonly typescript: CrewEngine };
  /** Which of them plays where an agent does not say. */
  readonly engine: "auto" | "python" | "typescript";
}

/** Crews as a framework: one definition, played by CrewAI in Python or by an engine of our own. */
export function createCrewRuntime(host: CrewHost): AgentRuntime<CrewOptions> {
  const options = crewOptions([...host.crews.keys()], host.models);
  const load = createSdkLoader();
  return {
    id: "crewai",
    features: {
      streaming: true,
      tools: true,
      interrupts: true,
      resume: true,
      steps: true,
      state: true,
      structuredOutput: true,
      usage: true,
      files: false,
    },
    options,
    optionsSchema: z.toJSONSchema(options, { io: "input" }) as Readonly<Record<string, unknown>>,
    get sdk() {
      const version = chosenBy(host, undefined).name === "python" ? host.engines.python.version() : undefined;
      return version === undefined ? undefined : { name: "crewai", version };
    },
    status: () => statusOf(host),
    models: () => host.models.list(),
    leftOut: ({ crew: named }) => {
      if (named === undefined) return [];
      const { crew, warnings } = readNamed(host, named, "crew");
      return [...modelProblems(crew, host.models), ...warnings];
    },
    stream: (request, ctx) => perform(host, load, request, ctx),
  } as AgentRuntime<CrewOptions>;
}

function chosenBy({ engine, engines }: CrewHost, wanted: CrewOptions["engine"]): CrewEngine {
  const choice = wanted ?? engine;
  if (choice !== "auto") return engines[choice];
  return engines.python.standing().ready ? engines.python : engines.typescript;
}

function statusOf(host: CrewHost): RuntimeStatus {
  const { python } = host.engines;
  const { ready, ...why } = python.standing();
  const model = host.models.status();
  if (ready || host.engine === "typescript" || model.mode === "UNAVAILABLE") return model;
  if (host.engine === "python") return { mode: "UNAVAILABLE", ...why };
  const reason = [model.reason, `The TypeScript engine plays crews: ${why.reason ?? ""}`].filter(Boolean).join(" ");
  return { mode: model.mode, reason, fix: [model.fix, why.fix].filter(Boolean).join(" ") };
}

async function* perform(
  host: CrewHost,
  load: ReturnType<typeof createSdkLoader>,
  request: RunRequest<CrewOptions>,
  ctx: RunContext,
): AsyncGenerator<RunEventBody> {
  const { crew: named, engine: wanted, ...settings } = request.options;
  const asked = askedBy(request);
  const { crew, warnings } = crewFor(host, named, request, ctx, asked);
  const engine = chosenBy(host, wanted);
  const { ready, reason = "", fix = "" } = engine.standing();
  if (!ready) throw new WeftlineError("UNAVAILABLE", { what: `The ${engine.name} engine of crewai`, reason, fix });

  const events = new Events();
  const left = new AbortController();
  const own: RunContext = { ...ctx, signal: AbortSignal.any([ctx.signal, left.signal]) };
  const record = await RunRecord.open(ctx.checkpoints);
  const stage = new Stage({ crew, request, ctx: own, events, record, speaker: new Speaker(own, events, load), models: host.models });
  const work = play(stage, events, () => engine.play(stage, openaiOptions.parse(settings)));
  try {
    yield {
      kind: "custom",
      name: "crewai.engine",
      data: { engine: engine.name, version: engine.version() ?? null, crew: crew.name, warnings },
    };
    yield* events;
  } finally {
    left.abort(new WeftlineError("RUN_CANCELLED"));
    events.leave();
    await work;
  }
}

/** Plays to the end; what ends it, ends the events. */
async function play(stage: Stage, events: Events, run: () => Promise<string>): Promise<void> {
  try {
    await stage.conclude(await run());
    events.end();
  } catch (error) {
    if (error instanceof WeftlineError && error.code === "RUN_SUSPENDED")
      await stage.places.leaveAll("CANCELLED", "It waits for a person.");
    events.fail(error);
  }
}

function crewFor(
  host: CrewHost,
  named: CrewOptions["crew"],
  request: RunRequest<CrewOptions>,
  { tools }: RunContext,
  asked: ReturnType<typeof askedBy>,
): { readonly crew: Crew; readonly warnings: readonly string[] } {
  if (named === undefined) return { crew: crewOfOne(request, tools, asked), warnings: [] };
  const { crew, warnings } = readNamed(host, named, request.agent.name);
  const problems = modelProblems(crew, host.models);
  if (problems.length > 0) throw new WeftlineError("CREW_INVALID", { crew: crew.name, problems: problems.join("; "), plugin: "crewai" });
  return { crew: withRecalled(interpolate(crew, asked), request.recalled), warnings };
}

/** A crew of the configuration by its name, or one that is defined in place. @throws UNAVAILABLE, CREW_INVALID */
function readNamed({ crews }: CrewHost, named: NonNullable<CrewOptions["crew"]>, agent: string): ReadCrew {
  if (typeof named !== "string") return readCrew(named, agent);
  const found = crews.get(named);
  if (found) return found;
  const what = `The crew "${named}"`;
  const fix = `Add it to crewai({ crews: { "${named}": "./its/folder" } }), or give the agent another.`;
  throw new WeftlineError("UNAVAILABLE", { what, reason: "the configuration has none of that name.", fix });
}
