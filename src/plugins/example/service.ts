import { v7 } from "uuid";
import { isBlank, isLonger, WeftlineError, createChannel, idempotently, pageOf, type Changes, type Channel, type Scope } from "#weftline";
import type { ExampleService } from "./contract.ts";
import { ExampleNote } from "./entities.ts";

/** A reader that leaves this many notes unread is let go. */
const maxUnread = 100;
const maxLength = 10_000;

interface Follower {
  readonly tenantId: string;
  readonly ownerId: string;
  readonly channel: Channel<ExampleNote>;
}

/** What the service works with. */
export interface ExampleParts {
  readonly maxNotes: number;
  readonly changes: Changes;
}

export function createExampleService({ maxNotes, changes }: ExampleParts): ExampleService {
  const followers = new Set<Follower>();

  function tell(note: ExampleNote): void {
    const { id, tenantId, ownerId } = note;
    changes.publish({ kind: "CREATED", typeName: "ExampleNote", id, tenantId, ownerId });
    for (const follower of followers) if (follower.tenantId === tenantId && follower.ownerId === ownerId) offer(follower.channel, note);
  }

  return {
    list: (scope, args) => pageOf(scope.em, ExampleNote, {}, args, { createdAt: "desc", id: "desc" }),

    async add(scope, { text, idempotencyKey }) {
      checkText(text);
      const { id } = await idempotently(scope, { mutation: "exampleAddNote", key: idempotencyKey, body: { text } }, async (tx) => {
        const { tenantId, actorId: ownerId } = scope.viewer;
        const kept = await tx.em.count(ExampleNote, { tenantId, ownerId });
        if (kept >= maxNotes)
          throw new WeftlineError("CONFLICT", { message: `You keep ${kept} notes; more than ${maxNotes} are not allowed.` });
        const note = tx.em.create(ExampleNote, { id: v7(), tenantId, ownerId, text, createdAt: Date.now() });
        tx.afterCommit(() => tell(note));
        return { id: note.id };
      });
      return scope.em.findOneOrFail(ExampleNote, { id });
    },

    follow({ viewer }: Scope) {
      const follower: Follower = {
        tenantId: viewer.tenantId,
        ownerId: viewer.actorId,
        channel: createChannel<ExampleNote>(() => followers.delete(follower)),
      };
      followers.add(follower);
      return follower.channel;
    },
  };
}

function offer(channel: Channel<ExampleNote>, note: ExampleNote): void {
  if (channel.size < maxUnread) channel.push(note);
  else channel.fail(new WeftlineError("RATE_LIMITED", { what: "unread notes", fix: "List the notes, then subscribe again." }));
}

function checkText(text: string): void {
  if (!isBlank(text) && !isLonger(text, maxLength)) return;
  const path = ["input", "text"];
  const message = `A note has 1 to ${maxLength} characters.`;
  throw new WeftlineError("INVALID_INPUT", { path, message, issues: [{ path, message }] });
}
