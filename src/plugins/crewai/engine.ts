import type { RuntimeStatus } from "#weftline";
import type { OpenAIOptions } from "#plugins/openai";
import type { Stage } from "./play/stage.ts";

/** What plays a crew on a stage. */
export interface CrewEngine {
  readonly name: "python" | "typescript";
  /** The version of what plays it. */
  version(): string | undefined;
  /** Whether it can play now, and what makes it. */
  standing(): Pick<RuntimeStatus, "reason" | "fix"> & { readonly ready: boolean };
  /** @returns the crew's result. @throws RUN_SUSPENDED where a part of it waits for a person. */
  play(stage: Stage, options: OpenAIOptions): Promise<string>;
}
