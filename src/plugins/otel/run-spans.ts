import { spanIdOf, traceIdOf, type Run, type Step, type ToolCall, type UsageRow } from "#weftline";
import { genAi, weftline } from "./names.ts";
import { stepKeyOf, type RunRows } from "./rows.ts";
import { kinds, type SpanDraft, type SpanEvent } from "./span.ts";

/** The longest content that an attribute holds, in characters. */
const mostContent = 8_192;

/** How spans are made. */
export interface SpanOptions {
  readonly content: "left out" | "recorded";
  /** The framework of a run, where it is known. */
  readonly framework: string | undefined;
}

/**
 * The spans of a run that has ended, as its rows tell it. Ids come from those of the run and its parts, so that whoever makes them, and however often, makes the
 * same.
 */
export function spansOf(rows: RunRows, options: SpanOptions): SpanDraft[] {
  const traceId = traceIdOf(rows.run);
  const steps = new Map(rows.steps.map((step) => [step.id, step]));
  const usage = new Map(rows.usage.flatMap((row) => (row.stepId == null ? [] : [[row.stepId, row] as const])));
  const made = { traceId, runId: rows.run.id, rows, steps, usage, ...options };
  const ofCalls = new Set(rows.calls.map(stepKeyOf));
  return [
    runSpan(made),
    ...rows.steps.filter(({ kind, key }) => kind !== "TOOL" || !ofCalls.has(key)).map((step) => stepSpan(made, step)),
    ...rows.calls.map((call) => callSpan(made, call)),
  ];
}

interface Making extends SpanOptions {
  readonly traceId: string;
  readonly rows: RunRows;
  readonly steps: ReadonlyMap<string, Step>;
  readonly usage: ReadonlyMap<string, UsageRow>;
}

function runSpan({ traceId, rows, content, framework }: Making): SpanDraft {
  const { run, usage, startedBy, retryOf } = rows;
  const operation = operationOf(run, framework);
  const { inputTokens, outputTokens, estimated } = run.usage ?? {};
  return {
    traceId,
    spanId: spanIdOf(run.id),
    name: `${operation ?? run.targetType} ${run.targetName}`,
    kind: kinds.internal,
    parentId: parentOf(run, startedBy),
    startedAt: run.createdAt,
    finishedAt: run.finishedAt ?? run.createdAt,
    attributes: {
      [genAi.operation]: operation,
      [genAi.agent]: run.targetType === "Agent" ? run.targetName : undefined,
      [genAi.workflow]: operation === "invoke_workflow" ? run.targetName : undefined,
      [genAi.conversation]: run.threadId,
      [genAi.inputTokens]: inputTokens || undefined,
      [genAi.outputTokens]: outputTokens || undefined,
      [weftline.run]: run.id,
      [weftline.status]: run.status,
      [weftline.target]: run.targetType,
      [weftline.framework]: framework,
      [weftline.provenance]: run.provenance,
      [weftline.estimated]: estimated || undefined,
      ...costOf(usage),
      [genAi.error]: run.failure?.code,
      ...(content === "recorded"
        ? { [genAi.input]: messages("user", run.input), [genAi.output]: messages("assistant", run.text ?? run.output) }
        : {}),
    },
    error: run.failure?.code,
    links: retryOf ? [{ traceId: traceIdOf(retryOf), spanId: spanIdOf(retryOf.id) }] : [],
    events: waitsOf(rows),
  };
}

function operationOf({ targetType }: Run, framework: string | undefined): string | undefined {
  if (targetType === "Workflow" || framework === "crewai") return "invoke_workflow";
  if (targetType === "Agent") return "invoke_agent";
  return targetType === "Tool" ? "execute_tool" : undefined;
}

/** The call or the step above that it is; of the first run of a tree, the span of the request. */
function parentOf(run: Run, startedBy: RunRows["startedBy"]): string | undefined {
  if (startedBy) return spanIdOf(startedBy.call?.id ?? startedBy.step.id);
  if (run.parentId != null) return spanIdOf(run.parentId);
  return run.settings.traceparent?.slice(36, 52);
}

/** Waits for people are moments of the run, so that a day of waiting is nobody's work. */
function waitsOf({ interrupts }: RunRows): SpanEvent[] {
  return interrupts.flatMap(({ kind, createdAt, decision, status, toolName }) => {
    const attributes = { "weftline.interrupt.kind": kind, ...(toolName == null ? {} : { [genAi.tool]: toolName }) };
    const began = { name: "weftline.wait", at: createdAt, attributes };
    if (!decision) return [began];
    return [
      began,
      {
        name: "weftline.decision",
        at: decision.at,
        attributes: { ...attributes, [weftline.status]: status, "weftline.decision": decision.kind },
      },
    ];
  });
}

function stepSpan({ traceId, rows, steps, usage }: Making, step: Step): SpanDraft {
  const spent = usage.get(step.id);
  const isModel = step.kind === "MODEL";
  const before = rows.steps.find(({ key, attempt }) => key === step.key && attempt === step.attempt - 1);
  const error = step.status === "FAILED" || step.status === "CANCELLED" ? step.status : undefined;
  return {
    traceId,
    spanId: spanIdOf(step.id),
    name: isModel ? `chat ${spent?.model ?? step.name}` : step.name,
    kind: isModel ? kinds.client : kinds.internal,
    parentId: aboveOf(rows.run, steps, step.parentId),
    startedAt: step.startedAt,
    finishedAt: step.finishedAt ?? rows.run.finishedAt ?? step.startedAt,
    attributes: {
      ...(isModel
        ? {
            [genAi.operation]: "chat",
            [genAi.provider]: spent?.provider,
            [genAi.model]: spent?.model ?? step.name,
            [genAi.inputTokens]: spent?.inputTokens,
            [genAi.outputTokens]: spent?.outputTokens,
            [genAi.cachedTokens]: spent?.cachedInputTokens,
            [genAi.reasoningTokens]: spent?.reasoningTokens,
            [weftline.estimated]: spent?.estimated || undefined,
            ...costOf(spent ? [spent] : []),
          }
        : { [weftline.step]: step.kind }),
      [genAi.conversation]: rows.run.threadId,
      [weftline.run]: rows.run.id,
      [weftline.provenance]: step.provenance ?? rows.run.provenance,
      [weftline.status]: step.status,
      [weftline.attempt]: step.attempt,
      [genAi.error]: error,
    },
    error,
    links: before ? [{ traceId, spanId: spanIdOf(before.id) }] : [],
  };
}

function callSpan({ traceId, rows, steps, content }: Making, call: ToolCall): SpanDraft {
  const step = rows.steps.find(({ kind, key }) => kind === "TOOL" && key === stepKeyOf(call));
  const error = call.status === "SUCCESS" ? undefined : call.status;
  return {
    traceId,
    spanId: spanIdOf(call.id),
    name: `execute_tool ${call.name}`,
    kind: kinds.internal,
    parentId: aboveOf(rows.run, steps, step?.parentId ?? null),
    startedAt: call.startedAt ?? call.createdAt,
    finishedAt: call.finishedAt ?? rows.run.finishedAt ?? call.createdAt,
    attributes: {
      [genAi.operation]: "execute_tool",
      [genAi.tool]: call.name,
      [genAi.toolType]: "function",
      [genAi.callId]: call.callId,
      [genAi.conversation]: rows.run.threadId,
      [weftline.run]: rows.run.id,
      [weftline.status]: call.status,
      [weftline.attempt]: call.attempt,
      [genAi.error]: error,
      ...(content === "recorded" ? { [genAi.callArguments]: shown(call.arguments), [genAi.callResult]: shown(call.result) } : {}),
    },
    error,
  };
}

/** A step that is not among those that were read stands below the run. */
function aboveOf(run: Run, steps: ReadonlyMap<string, Step>, parentId: string | null | undefined): string {
  return spanIdOf(parentId != null && steps.has(parentId) ? parentId : run.id);
}

/** In units of the currency; nothing where a price is unknown, which is not nothing. */
function costOf(usage: readonly UsageRow[]): Record<string, number | string> {
  if (usage.length === 0 || usage.some(({ costNanos }) => costNanos == null)) return {};
  const nanos = usage.reduce((sum, { costNanos }) => sum + BigInt(costNanos ?? 0), 0n);
  return { [weftline.cost]: Number(nanos) / 1e9, [weftline.currency]: "USD" };
}

/** Messages as the conventions have them. */
function messages(role: "user" | "assistant", content: unknown): string | undefined {
  const text = shown(content);
  return text === undefined ? undefined : JSON.stringify([{ role, parts: [{ type: "text", content: text }] }]);
}

function shown(value: unknown): string | undefined {
  if (value == null) return undefined;
  return (typeof value === "string" ? value : JSON.stringify(value)).slice(0, mostContent);
}
