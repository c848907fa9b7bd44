import { Initial202611230639 } from "./202611230639_initial.ts";
import { QuestionsAndCheckpoints202611251309 } from "./202611251309_questions_and_checkpoints.ts";
import { OpenRuns202611251318 } from "./202611251318_open_runs.ts";
import { ToolCallAudit202611251426 } from "./202611251426_tool_call_audit.ts";
import { LogKeys202611251443 } from "./202611251443_log_keys.ts";
import { FlatWithSize202611292003 } from "./202611292003_flat_with_size.ts";
import { EditedCalls202611292044 } from "./202611292044_edited_calls.ts";
import { DueRuns202611292109 } from "./202611292109_due_runs.ts";
import { RunMetadataAndLists202611292110 } from "./202611292110_run_metadata_and_lists.ts";
import { NativeExtras202611292125 } from "./202611292125_native_extras.ts";
import { SmallIndexes202611292331 } from "./202611292331_small_indexes.ts";
import { StorageTotals202611292341 } from "./202611292341_storage_totals.ts";
import { OpenRunsOfThreads202611300604 } from "./202611300604_open_runs_of_threads.ts";
import { RunsOfSchedules202611300852 } from "./202611300852_runs_of_schedules.ts";
import { ChildRunsAndWaits202611300908 } from "./202611300908_child_runs_and_waits.ts";
import { Approvers202611300926 } from "./202611300926_approvers.ts";
import { Signals202611300934 } from "./202611300934_signals.ts";
import { Pause202611301000 } from "./202611301000_pause.ts";
import { ValuesByReference202611301210 } from "./202611301210_values_by_reference.ts";
import { AskingSteps202611301244 } from "./202611301244_asking_steps.ts";
import { Ledger202611302236 } from "./202611302236_ledger.ts";
import { HistorySummaries202611302238 } from "./202611302238_history_summaries.ts";
import { JobState202611302245 } from "./202611302245_job_state.ts";
import { Retention202611302319 } from "./202611302319_retention.ts";
import { UsageOfOwners202611302333 } from "./202611302333_usage_of_owners.ts";
import { OpenJobs202611302351 } from "./202611302351_open_jobs.ts";
import { RunSums202612010254 } from "./202612010254_run_sums.ts";

/** Written by: weftline migrate new. */
export const migrations = {
  "202611230639_initial": Initial202611230639,
  "202611251309_questions_and_checkpoints": QuestionsAndCheckpoints202611251309,
  "202611251318_open_runs": OpenRuns202611251318,
  "202611251426_tool_call_audit": ToolCallAudit202611251426,
  "202611251443_log_keys": LogKeys202611251443,
  "202611292003_flat_with_size": FlatWithSize202611292003,
  "202611292044_edited_calls": EditedCalls202611292044,
  "202611292109_due_runs": DueRuns202611292109,
  "202611292110_run_metadata_and_lists": RunMetadataAndLists202611292110,
  "202611292125_native_extras": NativeExtras202611292125,
  "202611292331_small_indexes": SmallIndexes202611292331,
  "202611292341_storage_totals": StorageTotals202611292341,
  "202611300604_open_runs_of_threads": OpenRunsOfThreads202611300604,
  "202611300852_runs_of_schedules": RunsOfSchedules202611300852,
  "202611300908_child_runs_and_waits": ChildRunsAndWaits202611300908,
  "202611300926_approvers": Approvers202611300926,
  "202611300934_signals": Signals202611300934,
  "202611301000_pause": Pause202611301000,
  "202611301210_values_by_reference": ValuesByReference202611301210,
  "202611301244_asking_steps": AskingSteps202611301244,
  "202611302236_ledger": Ledger202611302236,
  "202611302238_history_summaries": HistorySummaries202611302238,
  "202611302245_job_state": JobState202611302245,
  "202611302319_retention": Retention202611302319,
  "202611302333_usage_of_owners": UsageOfOwners202611302333,
  "202611302351_open_jobs": OpenJobs202611302351,
  "202612010254_run_sums": RunSums202612010254,
};
