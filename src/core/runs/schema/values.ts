import { databaseService } from "../../database/database.ts";
import type { Scope } from "../../graphql/scope.ts";
import type { MaybePromise } from "../../kernel/spec.ts";
import { WeftlineError } from "../../errors.ts";
import { wholeDocument, type StoredValue, type ValueRefs } from "../values/refs.ts";
import { readValue } from "../values/rows.ts";

type ValueText = Pick<StoredValue, "text" | "refs">;

/**
 * What a row or an event of a run holds, whole. What stands apart is read now, once an answer, and counts as what that reads.
 *
 * @param runId of a run whose row or event the viewer may see.
 */
export function shownValue(scope: Scope, runId: string, document: unknown, refs: ValueRefs | null | undefined): MaybePromise<unknown> {
  if (refs == null) return document ?? null;
  return wholeDocument({ document, refs }, async (hash) => {
    const value = await scope.load(shownValue, `${runId} ${hash}`, (keys) => Promise.all(keys.map((key) => load(scope, key))));
    if (!value) throw new WeftlineError("NOT_FOUND", { what: "value of the run" });
    return value;
  });
}

async function load(scope: Scope, key: string): Promise<ValueText | undefined> {
  const [runId = "", hash = ""] = key.split(" ");
  const read = (): Promise<ValueText[]> => readValue(scope.use(databaseService).read, runId, hash);
  const [value] = scope.answer ? await scope.answer.reading(read) : await read();
  return value;
}
