import { Interrupt, globalId, runService, streamService, type LoggedEvent, type Run, type Scope } from "#weftline";
import { toolCaller, type CallTool } from "#plugins/capabilities";

/** What came of a call; `meta` names its run in the graph. */
export type Answer =
  | { readonly status: "DONE"; readonly output: unknown; readonly meta: Meta }
  | { readonly status: "FAILED" | "WAITING"; readonly message: string; readonly meta: Meta };

type Meta = Readonly<Record<string, string>>;

/**
 * Calls a tool as `callTool` does, and waits for what comes of it: the end of the run, or a question to a person. A caller that goes cancels the run,
 * unless they gave a key, with which they can come back for its result.
 *
 * @throws what `callTool` answers as an error.
 */
export async function callFor(scope: Scope, call: CallTool, signal: AbortSignal): Promise<Answer> {
  const { id, streamNum } = await scope.use(toolCaller).call(scope, call);
  const events = await scope.use(streamService).follow({ streamNum, after: 0, runId: id });
  const leave = (): void => {
    void events.return?.();
    if (call.idempotencyKey === undefined) cancel(scope, id);
  };
  if (signal.aborted) leave();
  signal.addEventListener("abort", leave, { once: true });
  try {
    const asked = await questionOf(scope, events);
    const meta = { "weftline/run": globalId("Run", id) };
    if (asked) return waiting(asked, meta);
    return outcomeOf(await scope.use(runService).find(scope, id), meta);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

function cancel(scope: Scope, run: string): void {
  const cancelled = scope.use(runService).cancel(scope, run, "The caller over MCP cancelled.");
  cancelled.catch((error: unknown) => scope.log.error({ err: error, run }, "a run was not cancelled"));
}

/** What a run asks a person; nothing where it came to its end. */
async function questionOf(scope: Scope, events: AsyncIterable<LoggedEvent>): Promise<Interrupt | undefined> {
  for await (const { kind, payload } of events) {
    if (kind !== "interrupt.raised") continue;
    scope.renew();
    const interrupt = await scope.em.findOne(Interrupt, { id: (payload as { readonly interrupt: string }).interrupt });
    if (interrupt?.status === "PENDING") return interrupt;
  }
  scope.renew();
  return undefined;
}

function waiting({ id, message }: Interrupt, meta: Meta): Answer {
  const interrupt = globalId("Interrupt", id);
  const next = `Decide the interrupt ${interrupt} (mutation decideInterrupt); the result is then the output of the run ${meta["weftline/run"]}.`;
  return {
    status: "WAITING",
    message: `The call waits for a person: ${message} ${next}`,
    meta: { ...meta, "weftline/interrupt": interrupt },
  };
}

function outcomeOf({ status, output, failure }: Run, meta: Meta): Answer {
  if (status === "SUCCEEDED") return { status: "DONE", output, meta };
  return { status: "FAILED", message: failure?.message ?? `The run is ${status}.`, meta };
}
