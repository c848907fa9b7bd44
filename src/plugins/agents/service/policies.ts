import type { ApprovalRule, ToolRegistry } from "#weftline";
import type { AgentToolPolicy } from "../types.ts";
import type { Problem } from "./problems.ts";

const maxPolicies = 128;

/** What is wrong with the policies that an agent is to have. */
export async function policyProblems(
  tools: ToolRegistry,
  policies: readonly AgentToolPolicy[],
  path: readonly string[],
): Promise<readonly Problem[]> {
  if (policies.length > maxPolicies)
    return [{ path, message: `An agent has at most ${maxPolicies} policies; these are ${policies.length}.` }];
  const problems = policies.map(async (policy, index): Promise<readonly Problem[]> => {
    const at = [...path, String(index)];
    const twice = policies.findIndex(({ tool }) => tool === policy.tool) < index;
    if (twice) return [{ path: [...at, "tool"], message: `There is another policy for "${policy.tool}".` }];
    const rule = ruleOf(policy);
    if (rule === undefined) return [{ path: [...at, "condition"], message: "POLICY goes with a condition." }];
    if (policy.approval !== "POLICY" && policy.condition !== null)
      return [{ path: [...at, "condition"], message: `A condition goes with POLICY; ${policy.approval} has none.` }];
    const found = await tools.policyProblems({ tool: policy.tool, approval: rule });
    return found.map(({ part, message }) => ({ path: [...at, part], message }));
  });
  return (await Promise.all(problems)).flat();
}

/** The rule of a policy; nothing where it lacks its condition. */
export function ruleOf({ approval, condition }: AgentToolPolicy): ApprovalRule | undefined {
  if (approval !== "POLICY") return approval;
  return condition === null ? undefined : { when: condition };
}
