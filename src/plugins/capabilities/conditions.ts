import { WeftlineError, globalId, loadExpressions, messageOf, type PolicedCall } from "#weftline";
import type { JsonSchema } from "./json-schema.ts";

/** What a condition may name. */
const variables = { args: "map<string, dyn>", agent: "dyn", run: "map<string, dyn>" };

/** The conditions of policies: compiled once, in a language that is loaded at the first one. */
export interface Conditions {
  /** Why this is no condition, or nothing. Where the tool is known, its arguments are held against its schema. */
  problemOf(condition: string, inputSchema?: JsonSchema): Promise<string | undefined>;
  /** @throws where it cannot be told. */
  holds(condition: string, call: PolicedCall): Promise<boolean>;
  close(): void;
}

export function createConditions(): Conditions {
  const language = loadExpressions(variables);
  return {
    async problemOf(condition, inputSchema) {
      try {
        const { type, membersOf } = language.compile(condition);
        if (type !== "bool" && type !== "dyn") return `A condition is true or false; this one is of the type ${type}.`;
        const unknown = inputSchema && membersOf("args").find((name) => !mayHave(inputSchema, name));
        return unknown === undefined ? undefined : `The tool has no argument "${unknown}".`;
      } catch (error) {
        return messageOf(error);
      }
    },
    async holds(condition, call) {
      const { tenantId, ownerId } = call.run;
      const value = await language.compile(condition).evaluate(seenBy(call), `${tenantId}:${ownerId}`);
      if (typeof value !== "boolean") throw new WeftlineError("INVALID_INPUT", { message: "It is neither true nor false." });
      return value;
    },
    close: () => language.close(),
  };
}

/** Only a schema that closes its object says what is not in it. */
function mayHave({ properties, additionalProperties, patternProperties }: JsonSchema, name: string): boolean {
  if (additionalProperties !== false || patternProperties !== undefined) return true;
  return Object.hasOwn((properties ?? {}) as object, name);
}

/** A call as its condition sees it: ids as in the graph. */
function seenBy({ args, agent, run }: PolicedCall): Readonly<Record<string, unknown>> {
  const { id, threadId, ownerId, ...rest } = run;
  return {
    args,
    agent: agent ? { id: globalId("Agent", agent.id), name: agent.name, version: agent.version } : null,
    run: {
      ...rest,
      id: globalId("Run", id),
      ownerId: globalId("Actor", ownerId),
      threadId: threadId === null ? null : globalId("Thread", threadId),
    },
  };
}
