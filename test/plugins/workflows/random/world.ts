import { rmSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { contribution, definePlugin, tools, type ToolContext } from "#weftline";
import { faultInjections } from "../../../../src/core/runs/failpoint.ts";
import { capabilities, workflows } from "../../../../src/plugins/index.ts";
import { crashCopy } from "../../../../src/testing/conformance/crash-copy.ts";
import { testPlatform, type TestPlatform } from "../../../../src/testing/index.ts";
import { tool } from "../../capabilities/play.ts";

/** What a tool is asked for. */
interface Act {
  readonly id: string;
  readonly unit: string;
  /** How many of its first calls fail. */
  readonly fails: number;
  readonly given: unknown;
}

/** What the world outside knows of one unit of a run: it outlives every process. */
export interface Effects {
  /** The calls that were asked for, by their idempotency keys. */
  readonly calls: Set<string>;
  /** How often it was asked, whatever for. */
  asked: number;
}

/** The world outside: what tools did there. */
export class Outside {
  readonly #effects = new Map<string, Effects>();

  of(id: string, unit: string): Effects {
    const key = `${id}:${unit}`;
    const known = this.#effects.get(key) ?? { calls: new Set(), asked: 0 };
    this.#effects.set(key, known);
    return known;
  }

  unitsOf(id: string): readonly string[] {
    return [...this.#effects.keys()].flatMap((key) => (key.startsWith(`${id}:`) ? [key.slice(id.length + 1)] : []));
  }

  act({ id, unit, fails, given }: Act, { idempotencyKey }: ToolContext): unknown {
    const effects = this.of(id, unit);
    effects.asked++;
    effects.calls.add(idempotencyKey);
    const call = [...effects.calls].indexOf(idempotencyKey) + 1;
    if (call <= fails) throw new Error(`${unit} fails`);
    return { unit, call, given };
  }
}

/** One process on the store, until it is lost. */
export interface Process {
  readonly app: TestPlatform;
  /** The folder that it left when it was lost. */
  readonly left: string | undefined;
  /** Lets it be lost when so many places around durable steps were reached from now on. */
  loseAfter(places: number): void;
  /** Ends it without a trace in the folder that it left. */
  end(): Promise<void>;
}

/** Starts a process. What it does after it was lost reaches neither the folder that it left nor the world outside. */
export async function startProcess(outside: Outside, from?: { readonly folder: string; readonly loseAfter: number }): Promise<Process> {
  let left: string | undefined;
  let placesLeft = from?.loseAfter ?? 0;
  let folder = from?.folder;
  const reach = (): void => {
    if (folder === undefined || placesLeft === 0 || --placesLeft > 0) return;
    left = crashCopy(folder);
  };
  const act = async (args: Act, ctx: ToolContext): Promise<unknown> => {
    if (args.unit.endsWith("1")) await setTimeout(1);
    if (left !== undefined) throw new Error("This process is lost.");
    return outside.act(args, ctx);
  };
  const graph = definePlugin({
    id: "graph",
    contributes: [
      contribution(tools, "graph.act", tool("graph.act", { execute: act })),
      contribution(tools, "graph.once", tool("graph.once", { execute: act, idempotent: false })),
      contribution(faultInjections, "suite", { failpoint: reach, drainMs: 0 }),
    ],
  });
  const app = await testPlatform({ plugins: [capabilities(), workflows(), graph()], ...(from ? { dataDir: from.folder } : {}) });
  folder = app.dataDir;
  return {
    app,
    get left() {
      return left;
    },
    loseAfter: (places) => (placesLeft = places),
    end: async () => {
      placesLeft = 0;
      await app.close();
      if (from) rmSync(from.folder, { recursive: true, force: true });
    },
  };
}
