import { isFinal, type WatchedEvent } from "../events.ts";
import { durationText, oneLine, startOf } from "./text.ts";
import type { RunTree } from "../tree.ts";

/** As much of a text as one line shows. */
const maxText = 300;

/**
 * An event as one plain line, for output that is no terminal; nothing for what would be noise: parts of messages, progress, what frameworks say among
 * themselves.
 *
 * @param tree after the event.
 */
export function lineOf(tree: RunTree, event: WatchedEvent): string | undefined {
  const words = wordsOf(tree, event);
  if (words === undefined) return undefined;
  const started = tree.root.startedAt ?? Date.parse(event.at);
  const run = tree.runs.get(event.runId);
  const who = run?.name === undefined ? "" : `${run.name}${run.framework === undefined ? "" : ` (${run.framework})`}: `;
  return `[${durationText(Math.max(0, Date.parse(event.at) - started))}] ${oneLine(`${who}${words}`)}`;
}

function wordsOf(tree: RunTree, event: WatchedEvent): string | undefined {
  switch (event.__typename) {
    case "RunSnapshotEvent":
      return `${tree.root.status}${tree.progress ? `, ${tree.progress.done}/${tree.progress.total ?? "?"}` : ""}, followed from here`;
    case "RunStatusEvent": {
      const { runStatus, failure, provenance } = event;
      const simulated = isFinal(runStatus) && provenance === "SIMULATED" ? ", SIMULATED" : "";
      return `${runStatus.toLowerCase()}${simulated}${failure ? `: ${failure.message} [${failure.code}]` : ""}`;
    }
    case "StepStartedEvent": {
      const { nodeKey, key, attempt, childRun } = event;
      if (nodeKey === null) return undefined;
      return `${key} started${attempt > 1 ? `, attempt ${attempt}` : ""}${childRun ? `: runs ${childRun.targetName}` : ""}`;
    }
    case "StepFinishedEvent": {
      const unit = tree.unitOf(event.stepId);
      if (!unit) return undefined;
      const time = event.durationMs === null || event.stepStatus === "SKIPPED" ? "" : ` in ${durationText(event.durationMs)}`;
      return `${unit.key} ${event.stepStatus.toLowerCase()}${time}${event.error === null ? "" : `: ${event.error}`}`;
    }
    case "MessageFinishedEvent":
      return event.text === "" ? undefined : startOf(oneLine(event.text), maxText, "…");
    case "ToolRequestedEvent":
      return `calls ${event.name}`;
    case "ToolFinishedEvent":
      return event.error === null ? undefined : `the tool failed: ${event.error}`;
    case "InterruptEvent": {
      const asker = event.interrupt?.step?.nodeKey == null ? undefined : event.interrupt.step.key;
      return event.interruptStatus === "PENDING"
        ? `${asker === undefined ? "" : `${asker} `}asks: ${event.interrupt?.message ?? "a question"}`
        : `the question${asker === undefined ? "" : ` of ${asker}`} is ${event.interruptStatus.toLowerCase()}`;
    }
    default:
      return undefined;
  }
}
