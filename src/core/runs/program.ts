import type { MaybePromise } from "../kernel/spec.ts";
import type { Run, Step } from "./entities/run.ts";
import type { ProgramEventBody } from "./events.ts";
import type { Question, QuestionOutcome, RunContext } from "./runtime.ts";
import type { TakenSignal } from "./signals/types.ts";

/** The target of a run, found and allowed. */
export interface FoundTarget {
  readonly id: string;
  readonly name: string;
  readonly version?: number;
}

/** What a run is given to work on. */
export interface GivenInput {
  readonly input?: unknown;
  readonly text?: string;
}

/** What a program that runs by itself works with during one turn. */
export interface ProgramContext extends Omit<RunContext, "metered" | "model" | "toolRequested" | "toolArguments"> {
  /** What the run was given, and what it was told. */
  readonly input: unknown;
  readonly text: string | undefined;
  /**
   * Says what happens: steps, progress, messages.
   *
   * @returns a promise where the log has to be waited for.
   */
  say(body: ProgramEventBody): Promise<void> | undefined;
  /** Resolves when what was said is durable. */
  flush(): Promise<void>;
  /**
   * Aborts when the run is to end, with RUN_CANCELLED or RUN_DEADLINE, for a program that says `endsItself`: it may still undo what it did, then
   * throws the reason.
   */
  readonly ending: AbortSignal;
  /**
   * Aborts when the run is to pause. A program that heeds it begins nothing new, lets what it has begun come to its end, and throws the reason: the run is
   * paused there, and its next turn comes when it is resumed. A turn that ends in a wait pauses the run in any case.
   */
  readonly pausing: AbortSignal;
  /** What earlier turns left, and what comes from outside during this one. */
  readonly state: ProgramState;
}

/** What a step was given and gave, whole. */
export interface StepContent {
  readonly input: unknown;
  readonly output: unknown;
}

/** What a program finds of its run. */
export interface ProgramState {
  /** Its steps so far, oldest first; those of this turn as far as they are durable. Of what is large they say only that it is: see `contentOf`. */
  steps(): Promise<readonly Step[]>;
  /** What one of these steps was given and gave. Where its row has no `inputRefs` and `outputRefs`, that is all there. */
  contentOf(step: Step): Promise<StepContent>;
  /** Steps of the run that this one was forked from, which it takes over; none for most runs. */
  replayed(): Promise<readonly Step[]>;
  /** Runs that its steps started; nothing for one that was not started, since the tree was being cancelled. */
  children(ids: readonly string[]): Promise<ReadonlyMap<string, Run>>;
  /** The id of the newest step of a name, as `say` was given it. */
  stepId(step: string): string | undefined;
  /**
   * Steps that are due, by the store's clock, and in how many milliseconds the next one is; nothing where none has a time. A run that waits again wakes
   * no more for those that were told here.
   */
  due(): Promise<{ readonly ids: readonly string[]; readonly nextInMs: number | undefined }>;
  /** Resolves at the next decision, signal, or end of a run below this one. */
  readonly nextWake: Promise<void>;
  /**
   * Reads decisions anew: calls and questions that waited for one can be made again.
   *
   * @returns whether anything has come that the turn had not seen.
   */
  reload(): Promise<boolean>;
  /**
   * Finds a target for a run below this one, as its owner.
   *
   * @param field of `RunTargetInput`, as `agent`.
   * @param given what it is to be told; where the target checks that, it does.
   * @throws what the target's type throws, as NOT_FOUND and INVALID_INPUT.
   */
  findTarget(field: string, value: unknown, given: GivenInput): Promise<{ readonly targetType: string; readonly target: FoundTarget }>;
  /**
   * Takes the oldest signal of a name that no step has taken; the same step is given the same one again. Nothing where there is none yet.
   *
   * @param stepId of a step whose start is durable.
   */
  takeSignal(stepId: string, name: string): Promise<TakenSignal | undefined>;
  /** Whether the run is below another, which may do all of it again. */
  readonly isBelow: boolean;
  /** Tools that ran in a run below this one when it ended, or in runs below that, and are not idempotent: whether they took effect is not known. */
  unknownOutcomes(childId: string): Promise<readonly string[]>;
  /**
   * Asks what became of work that ended without an outcome, once a key: APPROVE does it again, ANSWER says what it came to, REJECT goes on without.
   *
   * @throws RUN_SUSPENDED while it is pending.
   */
  askWhatBecame(asked: Pick<Question, "key" | "message" | "step">): Promise<QuestionOutcome>;
  /** Takes back what steps that have ended still ask, by their ids: nobody would hear the answer. What was said of them has to be durable. */
  withdraw(stepIds: readonly string[]): Promise<void>;
  /** Cancels runs below this one. */
  cancel(ids: readonly string[], reason: string): Promise<void>;
}

/** What a run does that needs no framework and no model: a call of a tool, work of the platform. */
export interface OwnProgram {
  /** Whether a cancel and the deadline are left to it: they abort `ending`, not `signal`. */
  readonly endsItself?: boolean;
  /** Whose work it is, where that is another plugin than the one that has the type of target. */
  readonly plugin?: string;
  /** Names of tools and skills that it may call. */
  readonly capabilities: readonly string[];
  /**
   * One turn, from the beginning. It is called again after a wait and after a lost process: calls keep their ids, so that one that has an
   * outcome gets it again and is not made twice.
   *
   * @returns the run's output: JSON, or nothing.
   * @throws what goes wrong: the run fails with it. RUN_SUSPENDED has to pass, as it comes from `callTools` and `ask`.
   */
  run(ctx: ProgramContext): MaybePromise<unknown>;
}
