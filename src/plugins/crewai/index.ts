import { FairPlaces, contribution, dataFolder, definePlugin, installers, modelService, runtimes } from "#weftline";
import { healthChecks } from "#plugins/health";
import { crewaiConfig } from "./config.ts";
import type { ReadCrew } from "./definition/crew.ts";
import { modelProblems } from "./definition/models.ts";
import { createPythonEngine } from "./python/engine.ts";
import { crewaiInstaller } from "./python/install.ts";
import { installationAt } from "./python/installation.ts";
import { Nursery } from "./python/nursery.ts";
import { createCrewRuntime } from "./runtime.ts";
import { typescriptEngine } from "./typescript/engine.ts";

/**
 * Crews of agents, as CrewAI defines them: played by CrewAI itself where Python has it, else by an engine of our own.
 *
 * @example crewai({ crews: { research: "./crews/research" } })
 */
export const crewai = definePlugin({
  id: "crewai",
  kind: "FRAMEWORK",
  description: "Crews of agents, as CrewAI defines them, on CrewAI for Python or on an engine of our own.",
  config: crewaiConfig,
  requires: { models: modelService, folder: dataFolder },
  contributes: [contribution(installers, "crewai", crewaiInstaller)],
  setup: async ({ config, deps, contribute, log, onClose }) => {
    const { home = deps.folder.of("crewai"), python, maxWorkers, startTimeoutMs, idleMs } = config;
    const crews = await readCrews(config.crews);
    for (const [crew, { warnings }] of crews) for (const warning of warnings) log.warn({ crew }, warning);
    for (const [name, { crew }] of crews) {
      contribute(healthChecks, `crewai.${name}`, () => {
        const problems = modelProblems(crew, deps.models);
        return problems.length === 0 ? { status: "UP" } : { status: "DEGRADED", detail: `Its runs fail: ${problems.join("; ")}` };
      });
    }
    const installation = installationAt(home, python);
    const nursery = new Nursery({ python: installation.python, home, startTimeoutMs, idleMs, log });
    const engines = {
      python: createPythonEngine({ installation, nursery, places: new FairPlaces(maxWorkers) }),
      typescript: typescriptEngine,
    };
    onClose(() => engines.python.close());
    contribute(runtimes, "crewai", createCrewRuntime({ models: deps.models, crews, engines, engine: config.engine }));
    return {};
  },
});

/** What reads files is loaded where there are files to read. */
async function readCrews(folders: Readonly<Record<string, string>>): Promise<ReadonlyMap<string, ReadCrew>> {
  const named = Object.entries(folders);
  if (named.length === 0) return new Map();
  const { readFolder } = await import("./definition/folder.ts");
  return new Map(named.map(([name, folder]) => [name, readFolder(folder, name)]));
}
