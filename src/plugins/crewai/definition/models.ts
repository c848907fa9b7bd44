import { WeftlineError, type Models } from "#weftline";
import type { Crew, ModelChoice } from "./crew.ts";

/**
 * Why a crew's models cannot be asked: one names a provider or an address that no binding has. What was meant for a server of its author's
 * must not go to another.
 */
export function modelProblems({ agents, manager, managerLlm }: Crew, models: Pick<Models, "resolve">): string[] {
  const choices: [string, ModelChoice][] = [
    ...[...agents, ...(manager ? [manager] : [])].map(({ key, llm }): [string, ModelChoice] => [`agents.${key}.llm`, llm]),
    ["crew.manager_llm", managerLlm],
  ];
  return choices.flatMap(([place, choice]) => {
    const problem = problemOf(choice, models);
    return problem === undefined ? [] : [`${place}: ${problem}`];
  });
}

function problemOf({ model, address }: ModelChoice, models: Pick<Models, "resolve">): string | undefined {
  if (model === undefined && address === undefined) return undefined;
  try {
    const { baseURL, provenance } = models.resolve(model, { simulated: "allowed" });
    if (address === undefined || provenance === "SIMULATED" || bare(baseURL) === bare(address)) return undefined;
  } catch (error) {
    // A binding without a key is a matter of each run.
    if (!(error instanceof WeftlineError && error.code === "INVALID_INPUT")) return undefined;
    if (address === undefined) return error.message;
  }
  return `no binding of that name has the address ${address}. Add one, as in models({ bindings: { local: { baseURL: "${address}" } } }), and name it in the model: "local/${nameOf(model)}".`;
}

function bare(address: string): string {
  return address.replace(/\/+$/, "");
}

/** The model without the provider before it. */
function nameOf(model = "model"): string {
  return model.slice(model.indexOf("/") + 1);
}
