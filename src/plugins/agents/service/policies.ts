import { approverProblems, readApprovers, type ApprovalRule, type ApproversInput, type Scope, type ToolRegistry } from "#weftline";
import type { AgentToolPolicy } from "../types.ts";
import type { DefinitionPatch, PolicyPatch } from "./draft.ts";
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
    if (policy.approval === "NEVER" && policy.approvers !== undefined)
      return [{ path: [...at, "approvers"], message: "Approvers go with ALWAYS or POLICY; NEVER asks nobody." }];
    const wrong = policy.approvers === undefined ? [] : approverProblems(policy.approvers);
    if (wrong.length > 0) return wrong.map((problem) => ({ path: [...at, "approvers", ...problem.path], message: problem.message }));
    const found = await tools.policyProblems({ tool: policy.tool, approval: rule });
    return found.map(({ part, message }) => ({ path: [...at, part], message }));
  });
  return (await Promise.all(problems)).flat();
}

/** A policy as it comes from a client: actors by their ids in the graph. */
export type PolicyInput = Omit<PolicyPatch, "approvers"> & { readonly approvers?: ApproversInput | null | undefined };

/** A change of an agent as it comes from a client. */
interface WithPolicies {
  readonly toolPolicies?: readonly PolicyInput[] | null | undefined;
}

/** A client's input with the actors that its policies name, and what is wrong with these. */
export async function readPolicies<Input extends WithPolicies>(
  scope: Scope,
  input: Input,
): Promise<{ readonly input: Omit<Input, "toolPolicies"> & Pick<DefinitionPatch, "toolPolicies">; readonly problems: readonly Problem[] }> {
  const { toolPolicies: policies, ...rest } = input;
  if (policies == null) return { input: { ...rest, toolPolicies: policies }, problems: [] };
  const read = await Promise.all(
    policies.slice(0, maxPolicies + 1).map(async ({ approvers: given, ...policy }, index) => {
      if (given == null) return { policy, problems: [] };
      const { approvers, problems } = await readApprovers(scope, given, ["input", "toolPolicies", String(index), "approvers"]);
      return { policy: approvers === undefined ? policy : { ...policy, approvers }, problems };
    }),
  );
  return { input: { ...rest, toolPolicies: read.map(({ policy }) => policy) }, problems: read.flatMap(({ problems }) => problems) };
}

/** The rule of a policy; nothing where it lacks its condition. */
export function ruleOf({ approval, condition }: AgentToolPolicy): ApprovalRule | undefined {
  if (approval !== "POLICY") return approval;
  return condition === null ? undefined : { when: condition };
}
