import type { AgentsConfig } from "../config.ts";
import type { AgentTemplate } from "../contract.ts";
import { analyst } from "./analyst.ts";
import { assistant } from "./assistant.ts";
import { researchTeam } from "./research-team.ts";
import { supervisor } from "./supervisor.ts";
import { support } from "./support.ts";

/** The templates that come with this plugin. */
export function shippedTemplates({ templateFramework, templateModel }: AgentsConfig): AgentTemplate[] {
  const base = { framework: templateFramework, ...(templateModel === undefined ? {} : { model: templateModel }) };
  return [assistant(base), analyst(base), support(base), supervisor(base), researchTeam(base)];
}
