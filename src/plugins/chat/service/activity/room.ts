import { createChannel, type Channel, type LoggedEvent } from "#weftline";
import { Phases, type SeededRun } from "./phases.ts";
import { AgentActivity, PresenceActivity, TypingActivity, type Activity } from "./state.ts";

/** After this many milliseconds typing lapses. */
export const typingMs = 6_000;
/** For how long presence and phases are promised; they are said again after half of it. */
const promiseMs = 60_000;
/** The shortest time between two events that can wait. */
const pauseMs = 500;

type ActivityChannel = Channel<readonly Activity[]>;

/**
 * What happens in one thread at this moment, and who watches it. Nothing of it is stored. It has one timer: for the next typing that
 * lapses, the next event that waits, or the next renewal of what was promised.
 */
export class Room {
  readonly #onEmpty: () => void;
  readonly #typing = new Map<string, number>();
  readonly #present = new Map<string, number>();
  readonly #channels = new Set<ActivityChannel>();
  #phases: Phases | undefined;
  #seeding: Promise<void> | undefined;
  #saidAt = 0;
  #waiting = false;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;
  #closed = false;

  /** @param onEmpty called when nobody watches or types any more. */
  constructor(onEmpty: () => void) {
    this.#onEmpty = onEmpty;
  }

  /** Whether the runs at work are followed here; otherwise the database has to be asked. */
  get followsRuns(): boolean {
    return this.#phases !== undefined && this.#seeding === undefined;
  }

  /**
   * Watches: the present state first, then the newest one after each change. A slow reader skips those in between.
   *
   * @param open reads the runs at work; asked once a room.
   */
  async join(actorId: string, open: () => Promise<readonly SeededRun[]>): Promise<ActivityChannel> {
    const channel: ActivityChannel = createChannel(() => this.#leave(actorId, channel));
    this.#present.set(actorId, (this.#present.get(actorId) ?? 0) + 1);
    this.#say("soon");
    try {
      await this.#follow(open);
    } catch (error) {
      await channel.return?.();
      throw error;
    }
    channel.push(this.state());
    if (this.#closed) channel.end();
    else this.#channels.add(channel);
    this.#schedule();
    return channel;
  }

  /** @returns until when the typing stands; null where it ended. */
  type(actorId: string, what: "typing" | "idle"): number | null {
    const until = what === "typing" ? Date.now() + typingMs : null;
    if (until !== null) this.#typing.set(actorId, until);
    else if (!this.#typing.delete(actorId)) return null;
    this.#say("soon");
    this.#closeIfEmpty();
    return until;
  }

  hear(events: readonly LoggedEvent[]): void {
    const phases = this.#phases;
    if (!phases) return;
    let changed = false;
    for (const event of events) changed = phases.hear(event) || changed;
    if (changed) this.#say("now");
  }

  /** Everything that holds now. */
  state(): readonly Activity[] {
    const until = Date.now() + promiseMs;
    return [
      ...[...this.#present.keys()].map((actorId) => new PresenceActivity(actorId, until)),
      ...[...this.#typing].map(([actorId, expiresAt]) => new TypingActivity(actorId, expiresAt)),
      ...(this.#phases?.list() ?? []).map((run) => new AgentActivity(run, until)),
    ];
  }

  /** Ends every reader; the thread is gone or the platform closes. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    const channels = [...this.#channels];
    this.#channels.clear();
    for (const channel of channels) channel.end();
  }

  async #follow(open: () => Promise<readonly SeededRun[]>): Promise<void> {
    this.#seeding ??= this.#phases ? undefined : this.#seed(open);
    await this.#seeding;
  }

  async #seed(open: () => Promise<readonly SeededRun[]>): Promise<void> {
    const phases = (this.#phases = new Phases());
    try {
      phases.seed(await open());
    } catch (error) {
      this.#phases = undefined;
      throw error;
    } finally {
      this.#seeding = undefined;
    }
  }

  #leave(actorId: string, channel: ActivityChannel): void {
    this.#channels.delete(channel);
    const others = (this.#present.get(actorId) ?? 1) - 1;
    if (others > 0) this.#present.set(actorId, others);
    else this.#present.delete(actorId);
    this.#say("soon");
    this.#closeIfEmpty();
  }

  #closeIfEmpty(): void {
    if (this.#closed || this.#present.size > 0 || this.#typing.size > 0) return;
    this.close();
    this.#onEmpty();
  }

  #say(when: "now" | "soon"): void {
    if (when === "now" || Date.now() - this.#saidAt >= pauseMs) this.#sayNow();
    else this.#waiting = true;
    this.#schedule();
  }

  #sayNow(): void {
    this.#waiting = false;
    this.#saidAt = Date.now();
    if (this.#channels.size === 0) return;
    const state = this.state();
    for (const channel of this.#channels) {
      channel.clear();
      channel.push(state);
    }
  }

  #schedule(): void {
    if (this.#closed) return;
    const due = Math.min(
      ...this.#typing.values(),
      this.#waiting ? this.#saidAt + pauseMs : Infinity,
      this.#channels.size > 0 ? this.#saidAt + promiseMs / 2 : Infinity,
    );
    if (due === this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = due;
    if (due !== Infinity) this.#timer = setTimeout(() => this.#wake(), Math.max(0, due - Date.now())).unref();
  }

  #wake(): void {
    this.#timerAt = Infinity;
    const now = Date.now();
    for (const [actorId, until] of this.#typing) if (until <= now) this.#typing.delete(actorId);
    this.#sayNow();
    this.#schedule();
    this.#closeIfEmpty();
  }
}
