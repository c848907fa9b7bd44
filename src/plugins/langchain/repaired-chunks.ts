import type { ChatCompletionChunk } from "openai/resources/chat/completions";

/** The end of an answer that refuses, as LangChain hands it on: it knows of none over Chat Completions. */
export const refusal = "refusal";

/**
 * Mends what LangChain's reading of Chat Completions would lose: it joins calls that a server gives one index or none, and passes over
 * refusals.
 */
export function createChunkRepair(): (chunk: ChatCompletionChunk) => ChatCompletionChunk {
  /** The call that fragments with this index of the server belong to now, by the number that it is given here. */
  const current = new Map<number, { readonly number: number; readonly id: string }>();
  let calls = 0;
  let refused = false;

  const numberOf = (id: string, index: number): number => {
    let known = current.get(index);
    if (!known || (id !== "" && id !== known.id)) current.set(index, (known = { number: calls++, id }));
    return known.number;
  };
  return (chunk) => {
    const [choice, ...others] = chunk.choices ?? [];
    const { delta } = choice ?? {};
    refused ||= Boolean(delta?.refusal);
    const ended = choice?.finish_reason && refused ? { finish_reason: refusal as never } : {};
    if (!choice || !delta || (!delta.tool_calls && !refused)) return chunk;
    const called = delta.tool_calls?.map((call, place) => ({ ...call, index: numberOf(call.id ?? "", call.index ?? place) }));
    const repaired = { ...delta, content: delta.content || (delta.refusal ?? null), ...(called ? { tool_calls: called } : {}) };
    return { ...chunk, choices: [{ ...choice, ...ended, delta: repaired }, ...others] };
  };
}
