import { hashOf } from "../../host/idempotency.ts";
import { sizeOf } from "../../json/size.ts";
import type { EventKind } from "../events.ts";
import type { RunEventDraft } from "../projector.ts";
import { SharedValues, type ValueRefs } from "./refs.ts";

/** Members of an event, and of what its row is written with, that hold values of any size. */
interface Holders {
  readonly payload?: readonly string[];
  readonly row?: readonly string[];
}

const ended: Holders = { payload: ["output"], row: ["text"] };

const holders: { readonly [Kind in EventKind]?: Holders } = {
  "step.started": { row: ["input"] },
  "step.finished": { row: ["output"] },
  "run.finished": ended,
  "run.failed": ended,
  "run.cancelled": ended,
  "run.expired": ended,
  "tool.requested": { payload: ["arguments"] },
  "tool.arguments": { payload: ["arguments"], row: ["requested"] },
  "tool.finished": { payload: ["result"] },
};

type Members = Readonly<Record<string, unknown>>;

/** The same event with what is large of it apart, to be kept in the transaction that appends it. */
export function sharedDraft(draft: RunEventDraft): RunEventDraft {
  const { payload = [], row = [] } = holders[draft.kind as EventKind] ?? {};
  const values = new SharedValues();
  const event = withoutValues(draft.payload as Members, payload, values);
  const beside = draft.row && withoutValues(draft.row, row, values);
  const { all } = values;
  if (all.length === 0) return draft;
  // A decision is for a call as a whole.
  const whole = (draft.payload as Members).arguments;
  const argumentsHash = whole === undefined ? {} : { argumentsHash: hashOf(whole) };
  const shared = { ...beside, ...argumentsHash };
  return { ...draft, payload: event, row: shared, beside: sizeOf(shared), values: all };
}

/** @returns the members as they are, or without what stands apart of them and with `refs`. */
function withoutValues(members: Members, names: readonly string[], values: SharedValues): Members {
  const left: Record<string, unknown> = {};
  const refs: Record<string, ValueRefs> = {};
  for (const name of names) {
    if (members[name] === undefined) continue;
    const shared = values.take(members[name]);
    if (shared.refs === undefined) continue;
    left[name] = shared.document;
    refs[name] = shared.refs;
  }
  return Object.keys(refs).length === 0 ? members : { ...members, ...left, refs };
}
