/** A message of a thread's history, as far as its place and its size go. */
export interface Sized {
  /** Messages of one turn, a question and all that answers it, share it. */
  readonly turnSeq: number;
  /** As estimated. */
  readonly tokens: number;
}

/** The most that an agent is shown of a thread's history. */
export interface HistoryBounds {
  readonly messages: number;
  readonly tokens: number;
}

/**
 * The newest messages that fit.
 *
 * @param earlier newest first.
 * @returns how many of them that is.
 */
export function fitting(earlier: readonly Sized[], { messages, tokens }: HistoryBounds): number {
  let room = tokens;
  const first = earlier.slice(0, Math.max(0, messages)).findIndex((message) => (room -= message.tokens) < 0);
  return first === -1 ? Math.min(earlier.length, Math.max(0, messages)) : first;
}

/**
 * Where a history that does not fit is cut: what is left is whole turns that fill half of the bounds at most, so that the next turns have room.
 *
 * @param earlier newest first.
 * @returns the last turn that is cut off.
 */
export function cutOf(earlier: readonly Sized[], { messages, tokens }: HistoryBounds): number | undefined {
  const kept = fitting(earlier, { messages: Math.floor(messages / 2), tokens: Math.floor(tokens / 2) });
  return earlier[kept]?.turnSeq;
}
