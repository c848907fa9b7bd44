import type { Database, Tx } from "../database/database.ts";
import { plainEntity } from "../database/rows.ts";
import { WeftlineError } from "../errors.ts";
import { appendToStream, countBytes, ownerOf, type AppendHost } from "./append.ts";
import type { NewMessage, Streams } from "./contract.ts";
import type { Message } from "./entities/message.ts";
import { Stream } from "./entities/stream.ts";
import { followStream } from "./follow.ts";
import { foldMessages } from "./fold.ts";
import { addedMessage, insertMessage } from "./added-message.ts";
import { eraseStream } from "./retention/erase-stream.ts";
import { purgeValues } from "./values/rows.ts";

/** What streams need of the host. */
export interface StreamsHost extends AppendHost {
  readonly database: Database;
}

export function createStreams(host: StreamsHost): Streams {
  return {
    open: openStream,
    append: async (tx, streamNum, events) => (await appendToStream(host, tx, streamNum, events)).events.at(-1)?.seq ?? 0,
    addMessage: (tx, streamNum, message) => addMessage(host, tx, streamNum, message),
    erase: async (tx, streamNum, runs) => {
      const stream = await tx.sql.get<{ id: string; tenant_id: string; owner_id: string }>(
        "select id, tenant_id, owner_id from runs_stream where num = ?",
        streamNum,
      );
      if (!stream) return;
      await eraseStream(tx.sql, { num: streamNum, id: stream.id, tenantId: stream.tenant_id, ownerId: stream.owner_id }, runs);
      // What is overwritten in the file still stands in the write-ahead log.
      tx.afterCommit(() => host.database.scrub());
    },
    forget: async (tx, streamNum) => {
      await giveBack(host, tx, streamNum);
      await tx.sql.run("update runs_stream set horizon = head where num = ?", streamNum);
      await tx.sql.run("delete from runs_event where stream_num = ?", streamNum);
      await purgeValues(tx.sql, streamNum);
    },
    delete: (tx, streamNum) => deleteStream(host, tx, streamNum),
    follow: (follow) => followStream(host, follow),
    tap: (listener) => host.hub.tap(listener),
    fold: (messages) => foldMessages(host.database, messages),
  };
}

/** Opens a stream within the caller's transaction. */
export async function openStream(
  tx: Pick<Tx, "sql">,
  {
    id,
    kind,
    tenantId,
    ownerId,
  }: { readonly id: string; readonly kind: "THREAD" | "RUN"; readonly tenantId: string; readonly ownerId: string },
): Promise<Stream> {
  const row = await tx.sql.get<{ num: number }>(
    "insert into runs_stream (id, tenant_id, owner_id, kind, head, horizon, deleted) values (?, ?, ?, ?, 0, 0, 0) returning num",
    id,
    tenantId,
    ownerId,
    kind,
  );
  if (!row) throw new WeftlineError("INTERNAL", { message: "A stream was not given a number." });
  return plainEntity<Stream>(Stream.prototype, {
    num: row.num,
    id,
    tenantId,
    ownerId,
    kind,
    head: 0,
    horizon: 0,
    deleted: false,
    held: 0,
    bytes: 0,
  });
}

async function addMessage(host: StreamsHost, tx: Tx, streamNum: number, message: NewMessage): Promise<Message> {
  const { id, added } = addedMessage(message);
  const { events, owner } = await appendToStream(host, tx, streamNum, [added], JSON.stringify(message.parts).length);
  await host.quota.check(tx.sql, owner);
  return insertMessage(tx, message, { id, streamNum, owner, added: events[0] });
}

/** What a stream took is its owner's again. */
async function giveBack(host: StreamsHost, { sql, afterCommit }: Tx, streamNum: number): Promise<void> {
  const owner = await ownerOf(sql, streamNum);
  if (!owner) return;
  await countBytes(sql, streamNum, -owner.bytes);
  afterCommit(() => host.quota.add(owner, -owner.bytes));
}

/** The last row stays, so that a reader that lags still learns of the end. */
async function deleteStream(host: StreamsHost, tx: Tx, streamNum: number): Promise<void> {
  await giveBack(host, tx, streamNum);
  await tx.sql.run(
    "delete from runs_event where stream_num = ? and seq < (select head from runs_stream where num = ?)",
    streamNum,
    streamNum,
  );
  await purgeValues(tx.sql, streamNum);
  await tx.sql.run("update runs_stream set deleted = 1, horizon = head - 1 where num = ?", streamNum);
  tx.afterCommit(() => host.hub.publish(streamNum, [], 0));
}
