import type { Contribution, ToolSource } from "#weftline";
import type { HealthCheck } from "#plugins/health";

/** Names each source of tools that is not well. An agent can do without its tools, so the whole is DEGRADED at worst. */
export function sourcesCheck(sources: ReadonlyMap<string, Contribution<ToolSource>>): HealthCheck {
  return () => {
    const ailing = [...sources].flatMap(([key, { value }]) => {
      const { status, detail } = value.health();
      return status === "UP" ? [] : [`${key} is ${status}${detail ? `: ${detail}` : ""}`];
    });
    return ailing.length === 0 ? { status: "UP" } : { status: "DEGRADED", detail: ailing.join("; ") };
  };
}
