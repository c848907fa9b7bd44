import { ToolCall, type Message, type StoredPart, type Tx } from "#weftline";
import { shareFiles } from "../attach.ts";
import type { ChatDeps } from "../deps.ts";
import type { UnfinishedFork } from "./unfinished.ts";

type CopiedCall = Pick<ToolCall, "runId" | "num" | "name" | "status" | "error" | "arguments" | "result">;
type CallsByRun = ReadonlyMap<string, ReadonlyMap<number, CopiedCall>>;

/** Copies some messages to the end of a fork. @returns how many characters that took, about. */
export async function copyMessages(deps: ChatDeps, tx: Tx, fork: UnfinishedFork, messages: readonly Message[]): Promise<number> {
  const calls = await callsOf(deps, tx, messages);
  let characters = 0;
  for (const message of messages) {
    const parts = message.parts.flatMap((part) => copiedPart(part, message, calls));
    if (message.status !== "COMPLETE") parts.push({ type: "data", name: "status", data: { status: message.status } });
    characters += JSON.stringify(parts).length;
    await copy(deps, tx, fork, message, parts);
    await shareFiles(deps, tx, fork.id, message.parts);
  }
  return characters;
}

async function callsOf({ runs }: ChatDeps, tx: Tx, messages: readonly Message[]): Promise<CallsByRun> {
  const wanted = messages.flatMap(({ runId, parts }) => {
    const nums = parts.flatMap((part) => (part.type === "toolCall" ? [part.call] : []));
    return runId == null || nums.length === 0 ? [] : [{ runId, num: { $in: nums } }];
  });
  const found = wanted.length === 0 ? [] : await tx.em.find(ToolCall, { $or: wanted });
  const calls = await Promise.all(
    found.map(async (call) => {
      const { runId, num, name, status, error } = call;
      return { runId, num, name, status, error, ...(await runs.callContent(tx, call)) };
    }),
  );
  return new Map(
    [...Map.groupBy(calls, ({ runId }) => runId)].map(([runId, rows]) => [runId, new Map(rows.map((call) => [call.num, call]))]),
  );
}

/** A copy has no run, so what a call was and what came of it becomes data. */
async function copy({ streams }: ChatDeps, tx: Tx, fork: UnfinishedFork, message: Message, parts: readonly StoredPart[]): Promise<void> {
  const { role, authorId, agentId, agentName, provenance } = message;
  await streams.addMessage(tx, fork.streamNum, {
    role: role === "TOOL" ? "SYSTEM" : role,
    parts,
    threadId: fork.id,
    ...(authorId == null ? {} : { authorId }),
    ...(agentId == null ? {} : { agentId }),
    ...(agentName == null ? {} : { agentName }),
    ...(provenance == null ? {} : { provenance }),
  });
}

function copiedPart(part: StoredPart, { runId }: Message, calls: CallsByRun): StoredPart[] {
  if (part.type !== "toolCall") return [part];
  const call = calls.get(runId ?? "")?.get(part.call);
  if (!call) return [];
  const { name, arguments: args, status, result, error } = call;
  return [{ type: "data", name: "toolCall", data: { name, arguments: args, status, result, error } }];
}
