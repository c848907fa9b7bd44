import type { WorkflowNodeKind } from "../contract.ts";
import { agentNode } from "./agent.ts";
import { approvalNode } from "./approval.ts";
import { inputNode } from "./input.ts";
import { toolNode } from "./tool.ts";
import { transformNode } from "./transform.ts";
import { waitNode } from "./wait.ts";
import { workflowNode } from "./workflow.ts";

/** The kinds that come with workflows, besides branch, map and loop: a run schedules those itself. */
export const shippedKinds: readonly WorkflowNodeKind<never>[] = [
  agentNode,
  toolNode,
  workflowNode,
  transformNode,
  approvalNode,
  inputNode,
  waitNode,
];
