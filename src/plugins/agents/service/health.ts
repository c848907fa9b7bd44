import {
  HealthComponent,
  asWeftlineError,
  memoryService,
  messageOf,
  type AgentRuntime,
  type ModelBinding,
  type RuntimeStatus,
  type Scope,
  type ToolOwner,
} from "#weftline";
import { Skill } from "#plugins/capabilities";
import type { AgentDefinition } from "../types.ts";
import { readBy } from "./check.ts";
import type { AgentsHost } from "./host.ts";

type Status = HealthComponent["status"];

/** Something that stands between an agent and its full work. */
interface Finding {
  readonly status: Exclude<Status, "UP">;
  readonly detail: string;
}

/** How an agent is, whatever its status: what its next run would find. */
export async function healthOf(
  host: AgentsHost,
  scope: Pick<Scope, "has" | "viewer">,
  name: string,
  definition: AgentDefinition,
): Promise<HealthComponent> {
  const start = performance.now();
  const findings = [...(await findingsOf(host, scope.viewer, definition)), ...memoryFindings(scope, definition)];
  const status: Status = findings.some((finding) => finding.status === "DOWN") ? "DOWN" : findings.length > 0 ? "DEGRADED" : "UP";
  const detail = findings.map((finding) => finding.detail).join(" ") || null;
  return new HealthComponent({ name, status, detail, latencyMs: performance.now() - start });
}

/** Names of capabilities that nobody provides, and of tools that its skills lack. */
export async function missingCapabilities({ capabilities }: AgentsHost, owner: ToolOwner, definition: AgentDefinition): Promise<string[]> {
  const wanted = definition.capabilities.flatMap((name) => {
    const found = capabilities.find(name);
    return found instanceof Skill ? found.toolNames : [name];
  });
  const names = [...new Set(wanted)];
  const found = await Promise.all(names.map((name) => capabilities.findFor(name, owner)));
  return names.filter((_, index) => !found[index]);
}

async function findingsOf(host: AgentsHost, owner: ToolOwner, definition: AgentDefinition): Promise<Finding[]> {
  const framework = host.runtimes.get(definition.framework);
  const runtime = framework?.value;
  if (!runtime) return [down(`No plugin provides the framework "${definition.framework}".`)];
  const { value: options, problems } = await readBy(runtime.options, definition.options, ["options"]);
  const elsewhere = options !== undefined && (runtime.answersElsewhere?.(options) ?? false);
  const status = await statusOf(runtime);
  // With its package there, what it lacks are models: who is answered elsewhere needs none.
  if (status.mode === "UNAVAILABLE" && !(elsewhere && runtime.sdk))
    return [down(`The framework "${runtime.id}" is not available${because(status)}`)];
  const missing = await missingCapabilities(host, owner, definition);
  const wrong = problems.map(({ path, message }) => `${path.join(".")}: ${message.replace(/\.$/, "")}`).join("; ");
  return [
    ...(wrong === ""
      ? []
      : [down(`Its runs fail, since the framework "${runtime.id}" takes its options no longer: ${wrong}. Update the agent.`)]),
    ...(elsewhere ? [] : modelFindings(host, definition, { status, plugin: framework.plugin })),
    ...(options === undefined ? [] : (runtime.leftOut?.(options) ?? []).map(degraded)),
    ...(missing.length > 0 ? [degraded(`No plugin provides: ${missing.join(", ")}.`)] : []),
    ...(definition.capabilities.length > 0 && !runtime.features.tools ? [degraded(`The framework "${runtime.id}" calls no tools.`)] : []),
    ...(definition.outputSchema && !runtime.features.structuredOutput
      ? [degraded(`The framework "${runtime.id}" gives no structured output.`)]
      : []),
  ];
}

interface Asker {
  readonly status: RuntimeStatus;
  readonly plugin: string;
}

function modelFindings({ models, runs }: AgentsHost, { model }: AgentDefinition, { status, plugin }: Asker): Finding[] {
  if (!models) return [down("No plugin resolves models.")];
  try {
    const binding: ModelBinding = models.resolve(model ?? undefined, { simulated: "allowed" });
    if (binding.provenance !== "SIMULATED")
      return runs
        .failingProviders()
        .filter((failing) => failing.plugin === plugin && failing.id === binding.id)
        .map(({ failures, code, fix }) => degraded(`Its model provider failed the last ${failures} runs (${code}): ${fix}`));
    return [degraded(`Answers are simulated${status.mode === "SIMULATED" ? because(status) : "."}`)];
  } catch (error) {
    return [down(asWeftlineError(error).kind === "internal" ? "The model could not be resolved." : messageOf(error))];
  }
}

function memoryFindings(scope: Pick<Scope, "has">, { memory }: AgentDefinition): Finding[] {
  if (!memory.recall) return [];
  if (!scope.has(memoryService))
    return [degraded("It recalls, but no plugin provides memory: its runs go on without. Add one, or set memory.recall to false.")];
  return memory.scopes.length > 0 ? [] : [degraded("It recalls, but from no scope: name some in memory.scopes.")];
}

async function statusOf(runtime: AgentRuntime): Promise<RuntimeStatus> {
  try {
    return await runtime.status();
  } catch {
    return { mode: "UNAVAILABLE", reason: "its status could not be asked." };
  }
}

function because({ reason, fix }: RuntimeStatus): string {
  return [reason ? `: ${reason}` : ".", ...(fix ? [fix] : [])].join(" ");
}

const down = (detail: string): Finding => ({ status: "DOWN", detail });
const degraded = (detail: string): Finding => ({ status: "DEGRADED", detail });
