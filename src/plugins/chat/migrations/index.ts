import { Initial202611230633 } from "./202611230633_initial.ts";
import { ThreadLists202611292035 } from "./202611292035_thread_lists.ts";
import { UnfinishedForks202611292311 } from "./202611292311_unfinished_forks.ts";
import { HistoryTokens202611302238 } from "./202611302238_history_tokens.ts";
import { LegalHoldAndRetention202611302258 } from "./202611302258_legal_hold_and_retention.ts";
import { ImportedThreads202611302328 } from "./202611302328_imported_threads.ts";

/** Written by: weftline migrate new. */
export const migrations = {
  "202611230633_initial": Initial202611230633,
  "202611292035_thread_lists": ThreadLists202611292035,
  "202611292311_unfinished_forks": UnfinishedForks202611292311,
  "202611302238_history_tokens": HistoryTokens202611302238,
  "202611302258_legal_hold_and_retention": LegalHoldAndRetention202611302258,
  "202611302328_imported_threads": ImportedThreads202611302328,
};
