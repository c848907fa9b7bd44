/** A run of a thread on a LangGraph server. */
export interface RemoteRun {
  readonly run_id: string;
  readonly status: string;
  readonly created_at: string;
}

export function isOpen({ status }: RemoteRun): boolean {
  return status === "pending" || status === "running";
}

/** The run that began last; servers list it first. */
export function newestOf(runs: readonly RemoteRun[]): RemoteRun | undefined {
  return runs.reduce<RemoteRun | undefined>((newest, run) => (newest && newest.created_at >= run.created_at ? newest : run), undefined);
}
