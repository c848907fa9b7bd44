import { v7 as newId } from "uuid";
import type { Tx } from "../database/database.ts";
import { plainEntity } from "../database/rows.ts";
import { WeftlineError } from "../errors.ts";
import type { NewMessage } from "./contract.ts";
import { Message } from "./entities/message.ts";
import type { LoggedEvent, NewEvent } from "./events.ts";
import type { StorageOwner } from "./storage-quota.ts";

/** The position of an added message in the log. */
export interface AddedMessage {
  readonly id: string;
  readonly streamNum: number;
  /** Whose the stream is. */
  readonly owner: StorageOwner;
  readonly added: LoggedEvent | undefined;
}

/** A new message's id, and the event that adds it. */
export function addedMessage({ role }: Pick<NewMessage, "role">): { readonly id: string; readonly added: NewEvent } {
  const id = newId();
  return { id, added: { kind: "message.added", payload: { message: id, role } } };
}

/** The row of a message whose event was appended in the same transaction. */
export async function insertMessage({ sql }: Tx, message: NewMessage, { id, streamNum, owner, added }: AddedMessage): Promise<Message> {
  const startSeq = added?.seq ?? 0;
  const row = {
    id,
    ...owner,
    streamNum,
    startSeq,
    seq: startSeq,
    threadId: message.threadId,
    runId: message.runId ?? null,
    role: message.role,
    status: "COMPLETE" as const,
    parts: message.parts,
    native: null,
    authorId: message.authorId ?? null,
    agentId: message.agentId ?? null,
    agentName: message.agentName ?? null,
    supersededById: null,
    provenance: message.provenance ?? null,
    createdAt: message.createdAt ?? added?.at ?? 0,
  };
  const stored = await sql.get<{ turn_seq: number }>(
    `insert into runs_message (id, tenant_id, owner_id, stream_num, start_seq, turn_seq, seq, thread_id, run_id, role, status, parts, author_id, agent_id, agent_name, provenance, created_at)
     values (?, ?, ?, ?, ?, coalesce((select start_seq from runs_run where id = ?), ?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) returning turn_seq`,
    row.id,
    row.tenantId,
    row.ownerId,
    row.streamNum,
    row.startSeq,
    row.runId,
    row.startSeq,
    row.seq,
    row.threadId,
    row.runId,
    row.role,
    row.status,
    JSON.stringify(row.parts),
    row.authorId,
    row.agentId,
    row.agentName,
    row.provenance,
    row.createdAt,
  );
  if (!stored) throw new WeftlineError("INTERNAL", { message: "A message was not stored." });
  return plainEntity<Message>(Message.prototype, { ...row, turnSeq: stored.turn_seq });
}
