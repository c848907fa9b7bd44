import {
  joinApprovers,
  messageOf,
  type ApprovalRule,
  type Logger,
  type PolicedCall,
  type ToolDefinition,
  type ToolPolicy,
  type ToolRegistry,
  type Verdict,
} from "#weftline";
import type { Conditions } from "./conditions.ts";
import { closest, isToolPattern } from "./names.ts";
import { isApprovalRule, isSideEffects } from "./rules.ts";
import type { Settings } from "./settings.ts";

/** What judging calls needs. */
export interface PolicyParts {
  readonly settings: Settings;
  readonly conditions: Conditions;
  readonly find: (name: string) => ToolDefinition | undefined;
  /** What the names of tools begin with that each tenant has of its own; behind the dot these hold any signs. */
  readonly ofTenants: Pick<ReadonlyMap<string, unknown>, "has">;
  readonly log: Logger;
}

/** Decides about each call whether a person is asked: by the tool's rule, and by the agent's where that asks more often. */
export function createPolicies({
  settings,
  conditions,
  find,
  ofTenants,
  log,
}: PolicyParts): Pick<ToolRegistry, "judge" | "approvers" | "policyProblems"> {
  const verdictOf = async (rule: ApprovalRule, whose: string, tool: ToolDefinition, call: PolicedCall): Promise<Verdict> => {
    if (rule === "NEVER") return { ask: false };
    if (isPlain(rule)) return { ask: true };
    if (!isApprovalRule(rule)) return { ask: true, because: `${whose} has an approval rule that is none.` };
    try {
      return (await conditions.holds(rule.when, call)) ? { ask: true, because: `${whose} asks where: ${rule.when}` } : { ask: false };
    } catch (error) {
      log.warn({ tool: tool.name, runId: call.run.id, reason: messageOf(error) }, "a policy could not be told, so a person is asked");
      return { ask: true, because: `${whose} asks where: ${rule.when} (this could not be told: ${messageOf(error)})` };
    }
  };

  return {
    judge(tool, call) {
      if (!isSideEffects(tool.sideEffects)) return { ask: true, because: "The tool does not say what it changes." };
      const own = ownPolicy(tool, call.agent?.policies ?? [])?.approval;
      if (own === undefined) return isPlain(tool.approval) ? plain(tool.approval) : verdictOf(tool.approval, "The tool", tool, call);
      if (settings.mayLoosen(tool.name)) return verdictOf(own, "The agent", tool, call);
      return firstThatAsks([() => verdictOf(tool.approval, "The tool", tool, call), () => verdictOf(own, "The agent", tool, call)]);
    },
    approvers: (tool, agent) => joinApprovers(tool.approvers, ownPolicy(tool, agent?.policies ?? [])?.approvers),
    async policyProblems({ tool: name, approval }) {
      if (!isToolPattern(name) && !ofTenants.has(/^([^.]+)\.[^.]/.exec(name)?.[1] ?? ""))
        return [{ part: "tool", message: `"${name}" names no tool; it is a tool's name, as github.search, github.* or *.` }];
      const tool = find(name);
      const problem = isPlain(approval) ? undefined : await conditions.problemOf(approval.when, tool?.inputSchema);
      if (problem !== undefined) return [{ part: "condition", message: problem }];
      if (!tool || settings.mayLoosen(name) || !isLooser(approval, tool.approval)) return [];
      const says = tool.approval === "ALWAYS" ? "always asks" : "asks under a condition";
      return [
        {
          part: "approval",
          message: `The tool "${name}" ${says}; an agent may only ask more often. The operator can allow it to ask less.`,
        },
      ];
    },
  };
}

const isPlain = (rule: ApprovalRule): rule is "NEVER" | "ALWAYS" => typeof rule === "string";
/** What is not known to be harmless is asked about. */
const plain = (rule: "NEVER" | "ALWAYS"): Verdict => ({ ask: rule !== "NEVER" });

function ownPolicy({ name }: ToolDefinition, policies: readonly ToolPolicy[]): ToolPolicy | undefined {
  return policies.length === 0 ? undefined : closest(name, new Map(policies.map((policy) => [policy.tool, policy])));
}

/** Of two conditions nobody can tell which asks less: both count. */
function isLooser(own: ApprovalRule, tools: ApprovalRule): boolean {
  return tools === "ALWAYS" ? own !== "ALWAYS" : tools !== "NEVER" && own === "NEVER";
}

async function firstThatAsks(verdicts: readonly (() => Promise<Verdict>)[]): Promise<Verdict> {
  for (const verdict of verdicts) {
    const given = await verdict();
    if (given.ask) return given;
  }
  return { ask: false };
}
