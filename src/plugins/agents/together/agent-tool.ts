import { RunBelow, WeftlineError, type Database, type TenantTools, type ToolDefinition } from "#weftline";
import type { Agent } from "../entities.ts";
import { targetOf } from "../service/run-target.ts";
import { agentNamed, newestDefinitionOf } from "./tenant-agents.ts";

/** What an agent is asked as a tool. */
interface Asked {
  readonly text: string;
  readonly input?: unknown;
}

/** For saying which run; that run itself lasts as long as its caller's. */
const timeoutMs = 10_000;

/** The most characters that an agent is asked with. */
const maxText = 100_000;

/** Each agent of a tenant as a tool of the others: `agent.<name>`. */
export function agentTools({ database }: { readonly database: Database }): TenantTools {
  return {
    async resolve(name, owner) {
      const agent = await agentNamed(database, owner, name);
      const definition = agent && (await newestDefinitionOf(database, agent));
      if (!agent || !definition) return undefined;
      const { outputSchema } = definition;
      return {
        name: `agent.${name}`,
        description: describe(agent),
        inputSchema: {
          type: "object",
          properties: {
            text: { type: "string", minLength: 1, maxLength: maxText, description: "What it is asked, with all that it has to know." },
            input: { type: "object", description: "Data for it beside the text, where it works on data." },
          },
          required: ["text"],
          additionalProperties: false,
        },
        ...(outputSchema === null ? {} : { outputSchema }),
        // What the agent does is asked about where it does it.
        sideEffects: "NONE",
        approval: "NEVER",
        idempotent: true,
        startsRun: true,
        timeoutMs,
        execute: async ({ text, input }: Asked) => {
          const asked = (await agentNamed(database, owner, name)) ?? missing(name);
          return new RunBelow({ targetType: "Agent", target: targetOf(asked), text, ...(input === undefined ? {} : { input }) });
        },
      } satisfies ToolDefinition;
    },
  };
}

function describe({ name, description }: Agent): string {
  const about = description?.trim() ? ` ${description.trim()}` : "";
  return `Asks the agent "${name}" and answers with what it says. It sees nothing of this conversation but what it is given.${about}`;
}

function missing(name: string): never {
  throw new WeftlineError("NOT_FOUND", { what: "agent", message: `There is no agent "${name}" any more.` });
}
