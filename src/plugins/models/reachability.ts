import type { Simulation } from "#weftline";
import { keptFor, type HealthCheck, type HealthFinding } from "#plugins/health";
import type { ModelBindingSource } from "./contract.ts";

/** How long a provider may take to answer, in milliseconds: less than a check may, so that it says what it waited for. */
const patienceMs = 1_500;
/** How long what it answered holds, in milliseconds: it is asked once a minute at most, and only while somebody asks for the health. */
const holdsMs = { UP: 60_000, DEGRADED: 15_000, DOWN: 15_000 };

/**
 * Whether a binding's models can be asked: the provider is asked for the list of its models, which costs nothing.
 *
 * @param key `missing` where it has none and needs one.
 */
export function bindingCheck(source: ModelBindingSource, key: "present" | "unneeded" | "missing", simulation: Simulation): HealthCheck {
  if (key === "missing") {
    const standIn: HealthFinding =
      simulation === "allowed"
        ? { status: "UP", detail: "SIMULATED: it has no API key, and the simulated model answers." }
        : { status: "DEGRADED", detail: "It has no API key, and a simulated model may not answer: its runs fail." };
    return () => standIn;
  }
  if (source.provenance === "SIMULATED") return () => ({ status: "UP", detail: "SIMULATED: no provider is asked." });
  return keptFor(holdsMs, (signal) => ask(source, signal));
}

async function ask({ baseURL, apiKey, fetch: send = fetch }: ModelBindingSource, signal: AbortSignal): Promise<HealthFinding> {
  const { host } = new URL(baseURL);
  const patience = AbortSignal.timeout(patienceMs);
  try {
    const response = await send(`${baseURL.replace(/\/$/, "")}/models`, {
      headers: { authorization: `Bearer ${await apiKey()}` },
      redirect: "manual",
      signal: AbortSignal.any([signal, patience]),
    });
    // Nobody reads what models there are.
    await response.body?.cancel();
    return findingOf(host, response.status);
  } catch (error) {
    if (patience.aborted) return { status: "DEGRADED", detail: `${host} did not answer within ${patienceMs / 1_000} s.` };
    return { status: "DEGRADED", detail: `${host} cannot be reached${codeOf(error)}.` };
  }
}

function findingOf(host: string, status: number): HealthFinding {
  if (status === 401 || status === 403) return { status: "DEGRADED", detail: `${host} refuses the key (${status}).` };
  if (status >= 500) return { status: "DEGRADED", detail: `${host} answers with ${status}.` };
  // Also where it lists no models: it was reached.
  return { status: "UP", detail: `${host} answers.` };
}

/** As in ECONNREFUSED; no words of an error, which may hold an address with credentials. */
function codeOf(error: unknown): string {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ("code" in at && typeof at.code === "string" && /^[A-Z_]+$/.test(at.code)) return `: ${at.code}`;
  }
  return "";
}
