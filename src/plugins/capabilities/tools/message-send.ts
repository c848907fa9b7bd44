import { v7 } from "uuid";
import type { Database, ToolDefinition, Tx } from "#weftline";
import { OutboxMessage } from "../entities.ts";

interface Message {
  readonly to: string;
  readonly subject: string;
  readonly body: string;
}

/**
 * Sends a message once a person allowed it: the row in the outbox is the sending, what carries it on reads from there.
 *
 * @param database where the outbox stands.
 */
export function createMessageSend(database: Database): ToolDefinition {
  return {
    name: "message.send",
    description: "Puts a message to somebody into the outbox. A person approves each message before.",
    inputSchema: {
      type: "object",
      properties: {
        to: { type: "string", minLength: 1, maxLength: 320, description: "Who gets it, as in ada@example.com." },
        subject: { type: "string", minLength: 1, maxLength: 200, description: "What it is about, in one line." },
        body: { type: "string", minLength: 1, maxLength: 20_000, description: "The text." },
      },
      required: ["to", "subject", "body"],
      additionalProperties: false,
    },
    outputSchema: {
      type: "object",
      properties: { id: { type: "string", description: "The message's id in the outbox." } },
      required: ["id"],
      additionalProperties: false,
    },
    sideEffects: "EXTERNAL",
    approval: "ALWAYS",
    idempotent: false,
    timeoutMs: 10_000,
    execute: ({ to, subject, body }: Message, { idempotencyKey, tenantId, ownerId, runId }) =>
      database.write(
        "SYSTEM",
        async ({ em }) => {
          const sent = await em.findOne(OutboxMessage, { idempotencyKey });
          if (sent) return { id: sent.id };
          const id = v7();
          em.create(OutboxMessage, { id, tenantId, ownerId, runId, idempotencyKey, recipient: to, subject, body, createdAt: Date.now() });
          return { id };
        },
        "capabilities.send",
      ),
  };
}

/** So many runs are named at once. */
const runsAtOnce = 500;

/** Forgets what runs sent. */
export async function purgeOutbox({ em }: Tx, runIds: readonly string[]): Promise<void> {
  for (let at = 0; at < runIds.length; at += runsAtOnce)
    await em.nativeDelete(OutboxMessage, { runId: { $in: runIds.slice(at, at + runsAtOnce) } });
}
