import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { doctorChecks, type DoctorFinding } from "../../core/doctor-checks.ts";
import { installers } from "../../core/installers.ts";
import { findingsOf, ok, patience, type Check, type Finding, type Patient } from "./check.ts";

/** The checks that plugins bring, each for itself. */
export async function pluginFindings({ kernel, config, dataDir, network }: Patient): Promise<Finding[]> {
  if (!kernel || !config) return [];
  const configOf = (id: string): unknown => kernel.plugins.find(({ spec }) => spec.id === id)?.config;
  const simulation = config.simulation ?? (config.mode === "production" ? "forbidden" : "allowed");
  const findings: Finding[] = [];
  for (const [name, { plugin, value: check }] of kernel.registry.contributions(doctorChecks)) {
    const ctx = { config: configOf(plugin), folder: resolve(dataDir, plugin), simulation, network, hasProgram, signal: patience() };
    findings.push(...(await findingsOf(name, async () => [await check(ctx)].flat())));
  }
  return findings;
}

/** As a process is started. */
async function hasProgram(command: string, folder = "."): Promise<boolean> {
  const isPath = isAbsolute(command) || command.includes("/");
  const places = isPath ? [resolve(folder, command)] : (process.env["PATH"] ?? "").split(delimiter).map((each) => join(each, command));
  for (const place of places) {
    const found = await access(place, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

/** What is not here because it is large, and how to bring it. */
export const installedCheck: Check = {
  name: "installed",
  run: async ({ kernel, dataDir }: Patient): Promise<DoctorFinding[]> => {
    if (!kernel) return [];
    const findings: DoctorFinding[] = [];
    for (const [name, { plugin, value }] of kernel.registry.contributions(installers)) {
      const config = kernel.plugins.find(({ spec }) => spec.id === plugin)?.config;
      const { state, detail } = await value.check({ config, folder: resolve(dataDir, plugin) });
      // What nobody uses need not be here.
      findings.push({ ...ok(`${name}: ${detail}`), ...(state === "ready" ? {} : { fix: "Only where you use it." }) });
    }
    return findings;
  },
};
