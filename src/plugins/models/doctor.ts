import { type DoctorCheck, type DoctorFinding } from "#weftline";
import { configuredBinding, type ModelsConfig } from "./config.ts";
import { bindingCheck } from "./reachability.ts";

/** Whether each binding has the key that it needs and, where that is asked for, answers. */
export const checkBindings: DoctorCheck = async ({ config, simulation, network, signal }) => {
  const findings: DoctorFinding[] = [];
  for (const [id, options] of Object.entries((config as ModelsConfig).bindings)) {
    const source = configuredBinding(id, options);
    if (source.key === "missing") findings.push(withoutKey(id, simulation));
    else if (network === "off")
      findings.push({ status: "ok", detail: `${id}: ${source.key === "present" ? "has a key" : "needs no key"}; --online asks it` });
    else findings.push(await asked(id, () => bindingCheck(source, source.key, simulation)(signal)));
  }
  return findings;
};

function withoutKey(id: string, simulation: "allowed" | "forbidden"): DoctorFinding {
  const fix = id === "openai" ? "Set OPENAI_API_KEY." : `Set apiKey of the binding "${id}" in plugins.config.ts.`;
  if (simulation === "allowed") return { status: "warning", detail: `${id}: has no key, so a simulated model answers.`, fix };
  return { status: "error", detail: `${id}: has no key, and a simulated model may not answer: its runs fail.`, fix };
}

async function asked(id: string, ask: () => ReturnType<ReturnType<typeof bindingCheck>>): Promise<DoctorFinding> {
  const { status, detail = "" } = await ask();
  if (status === "UP") return { status: "ok", detail: `${id}: ${detail}` };
  return {
    status: "error",
    detail: `${id}: ${detail}`,
    fix: `Look at baseURL and apiKey of the binding "${id}", and whether this machine reaches it.`,
  };
}
