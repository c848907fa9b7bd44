import type { Contribution, ToolSource } from "#weftline";
import type { HealthCheck } from "#plugins/health";
import type { ToolShelf } from "./shelf.ts";

/** So many tools are named, and then counted. */
const maxNamed = 10;

/**
 * Names each source of tools that is not well, and each tool that is left out or partly unchecked. An agent can do without its tools, so
 * the whole is DEGRADED at worst.
 */
export function sourcesCheck(sources: ReadonlyMap<string, Contribution<ToolSource>>, { remarks }: Pick<ToolShelf, "remarks">): HealthCheck {
  return () => {
    const ailing = [...sources].flatMap(([key, { value }]) => {
      const { status, detail } = value.health();
      return status === "UP" ? [] : [`${key} is ${status}${detail ? `: ${detail}` : ""}`];
    });
    const noted = [...remarks().values()].flat();
    const named = noted
      .slice(0, maxNamed)
      .map(({ tool, outcome, problems }) => `${tool} is ${outcomeWords[outcome]}: ${problems.join("; ")}`);
    const more = noted.length > maxNamed ? [`${noted.length - maxNamed} more tools are left out or partly unchecked`] : [];
    const detail = [...ailing, ...named, ...more].join("; ");
    return { status: ailing.length === 0 ? "UP" : "DEGRADED", ...(detail === "" ? {} : { detail }) };
  };
}

const outcomeWords = { LEFT_OUT: "left out", PARTLY_UNCHECKED: "partly unchecked" } as const;
