import type { RunEventBody } from "#weftline";
import type { CrewTask } from "../definition/crew.ts";
import type { Events } from "./events.ts";

/** Where in a crew something happens: a task, somebody's work on it, work that was handed on. */
export interface Place {
  /** The name of its step. */
  readonly key: string;
  /** As people read it. */
  readonly name: string;
  readonly kind: "TASK" | "AGENT";
  /** The task's name. */
  readonly task: string;
  readonly parent?: Place;
  readonly input?: unknown;
}

/** Where a task is done. */
export function placeOfTask({ name, description }: Pick<CrewTask, "name" | "description">): Place {
  return { key: `task/${name}`, name, kind: "TASK", task: name, input: { description } };
}

/** Numbers the pieces of work of each task, in the order in which they begin. */
export class Shifts {
  readonly #numbers = new Map<string, number>();

  /** Where somebody's next piece of work is done. */
  next(role: string, parent: Place, input?: unknown): Place {
    const number = (this.#numbers.get(parent.task) ?? 0) + 1;
    this.#numbers.set(parent.task, number);
    const key = `task/${parent.task}/agent/${number}`;
    return { key, name: role, kind: "AGENT", task: parent.task, parent, ...(input === undefined ? {} : { input }) };
  }
}

type Status = Extract<RunEventBody, { kind: "step.finished" }>["status"];

/** The steps of a crew's places. One opens when something new happens in it: what is only remembered says nothing again. */
export class Places {
  readonly #events: Events;
  readonly #open = new Map<string, { readonly place: Place; readonly opened: Promise<void> }>();

  constructor(events: Events) {
    this.#events = events;
  }

  async enter(place: Place): Promise<void> {
    const known = this.#open.get(place.key);
    if (known) return known.opened;
    const opened = this.#begin(place);
    this.#open.set(place.key, { place, opened });
    return opened;
  }

  /** Ends a place's step, where it was opened. */
  async leave(place: Place, status: Status, more: { readonly output?: unknown; readonly error?: string } = {}): Promise<void> {
    const known = this.#open.get(place.key);
    if (!known) return;
    await known.opened;
    this.#open.delete(place.key);
    await this.#events.tell({ kind: "step.finished", step: place.key, status, ...more });
  }

  /** Ends all that is open, the inner ones first. */
  async leaveAll(status: Status, error: string): Promise<void> {
    for (const { place } of [...this.#open.values()].toReversed()) await this.leave(place, status, { error });
  }

  async #begin({ key, name, kind, parent, input }: Place): Promise<void> {
    if (parent) await this.enter(parent);
    await this.#events.tell({
      kind: "step.started",
      step: key,
      name,
      stepKind: kind,
      ...(parent ? { parentStep: parent.key } : {}),
      ...(input === undefined ? {} : { input }),
    });
  }
}
