import type { ChatCompletionChunk } from "openai/resources/chat/completions";

/**
 * Mends what LangChain's reading of Chat Completions would lose: it joins calls that a server gives one index or none, and passes over
 * refusals.
 */
export function createChunkRepair(): (chunk: ChatCompletionChunk) => ChatCompletionChunk {
  /** The call that fragments with this index of the server belong to now, by the number that it is given here. */
  const current = new Map<number, { readonly number: number; readonly id: string }>();
  let calls = 0;

  const numberOf = (id: string, index: number): number => {
    let known = current.get(index);
    if (!known || (id !== "" && id !== known.id)) current.set(index, (known = { number: calls++, id }));
    return known.number;
  };
  return (chunk) => {
    const [choice, ...others] = chunk.choices ?? [];
    const { delta } = choice ?? {};
    if (!choice || !delta || (!delta.tool_calls && !delta.refusal)) return chunk;
    const called = delta.tool_calls?.map((call, place) => ({ ...call, index: numberOf(call.id ?? "", call.index ?? place) }));
    const repaired = { ...delta, content: delta.content || (delta.refusal ?? null), ...(called ? { tool_calls: called } : {}) };
    return { ...chunk, choices: [{ ...choice, delta: repaired }, ...others] };
  };
}
