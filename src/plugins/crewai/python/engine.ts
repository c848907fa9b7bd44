import { WeftlineError, type FairPlaces } from "#weftline";
import type { OpenAIOptions } from "#plugins/openai";
import type { CrewEngine } from "../engine.ts";
import type { Stage } from "../play/stage.ts";
import { Floor } from "./floor.ts";
import type { Installation } from "./installation.ts";
import type { Nursery } from "./nursery.ts";
import { RefusedByPeer } from "./peer.ts";
import { hire } from "./worker.ts";

/** What the Python engine works with. */
export interface PythonHost {
  readonly installation: Installation;
  readonly nursery: Nursery;
  readonly places: FairPlaces;
}

/** CrewAI itself, a process a run. The process has no key and no network of the platform's: it asks for everything over its line. */
export function createPythonEngine({ installation, nursery, places }: PythonHost): CrewEngine & { close(): Promise<void> } {
  const playing = new Set<Promise<unknown>>();
  return {
    name: "python",
    version: () => installation.version(),
    standing: () => installation.standing(),
    play: async (stage, options) => {
      const { owner, signal, drain } = stage.ctx;
      // Who waits has begun nothing, and can as well wait in the next process.
      const giveBack = await places.take(placeOwner(owner), AbortSignal.any([signal, drain]));
      const work = play(nursery, stage, options).finally(giveBack);
      playing.add(work);
      return work.finally(() => playing.delete(work));
    },
    close: async () => {
      // Runs at work are let come to a boundary by those who run them, who close after this: what they work with goes with the last.
      const closed = closeAfter(playing, nursery);
      if (playing.size === 0) await closed;
    },
  };
}

async function closeAfter(playing: ReadonlySet<Promise<unknown>>, nursery: Nursery): Promise<void> {
  while (playing.size > 0) await Promise.allSettled(playing);
  await nursery.close();
}

async function play(nursery: Nursery, stage: Stage, options: OpenAIOptions): Promise<string> {
  const { signal } = stage.ctx;
  const { promise: stopped, reject: stop } = Promise.withResolvers<never>();
  stopped.catch(() => undefined);
  const floor = new Floor(stage, options, stop);
  const asked = (method: string, params: unknown): Promise<unknown> =>
    floor.answer(method, params).catch((error: unknown) => {
      stop(error);
      // Who asked waits until the process goes.
      return new Promise<never>(() => undefined);
    });
  const aborted = (): void => stop(signal.reason);
  signal.addEventListener("abort", aborted, { once: true });
  try {
    signal.throwIfAborted();
    const hired = hire(nursery, { asked, told: () => undefined });
    const worker = await Promise.race([hired, stopped]).catch((error: unknown) => {
      void hired.then(({ dismiss }) => dismiss()).catch(() => undefined);
      throw error;
    });
    try {
      const { raw } = (await Promise.race([worker.peer.request("run.start", floor.program()), stopped])) as { readonly raw: string };
      return raw;
    } finally {
      await worker.dismiss();
    }
  } catch (error) {
    throw error instanceof RefusedByPeer ? failureOf(error, stage) : error;
  } finally {
    signal.removeEventListener("abort", aborted);
    floor.close();
  }
}

const badDefinition = -32_001;
const longestProblem = 500;

function failureOf({ code, message }: RefusedByPeer, { crew }: Stage): WeftlineError {
  const problem = message.length > longestProblem ? `${message.slice(0, longestProblem)}…` : message;
  return code === badDefinition
    ? new WeftlineError("CREW_INVALID", { crew: crew.name, problems: problem, plugin: "crewai" })
    : new WeftlineError("CREW_FAILED", { plugin: "crewai", problem });
}

/** Tenants take turns, and the viewers of one. */
function placeOwner(owner: string): Parameters<FairPlaces["take"]>[0] {
  const slash = owner.indexOf("/");
  return { tenantId: owner.slice(0, slash), ownerId: owner.slice(slash + 1) };
}
