import { v7 } from "uuid";
import {
  isBlank,
  isLonger,
  WeftlineError,
  createChannel,
  idempotently,
  pageOf,
  type Changes,
  type Channel,
  type Scope,
  type Tx,
} from "#weftline";
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

/** Whose a note is. */
type Owner = Pick<ExampleNote, "tenantId" | "ownerId">;

/** The service, with what only this plugin does. */
export interface Notes extends ExampleService {
  /** Keeps a note within a write, for somebody who is not there, as for the owner of a run. @throws CONFLICT */
  keepFor(tx: Tx, owner: Owner, note: Pick<ExampleNote, "id" | "text">): Promise<ExampleNote>;
}

export function createExampleService({ maxNotes, changes }: ExampleParts): Notes {
  const followers = new Set<Follower>();

  function tell(note: ExampleNote): void {
    const { id, tenantId, ownerId } = note;
    changes.publish({ kind: "CREATED", typeName: "ExampleNote", id, tenantId, ownerId });
    for (const follower of followers) if (follower.tenantId === tenantId && follower.ownerId === ownerId) offer(follower.channel, note);
  }

  async function insert(tx: Tx, owner: Owner, { id, text }: Pick<ExampleNote, "id" | "text">): Promise<ExampleNote> {
    checkText(text);
    const kept = await tx.em.count(ExampleNote, owner);
    if (kept >= maxNotes)
      throw new WeftlineError("CONFLICT", { message: `You keep ${kept} notes; more than ${maxNotes} are not allowed.` });
    const note = tx.em.create(ExampleNote, { ...owner, id, text, createdAt: Date.now() });
    tx.afterCommit(() => tell(note));
    return note;
  }

  return {
    list: (scope, args) => pageOf(scope.em, ExampleNote, {}, args, { createdAt: "desc", id: "desc" }),

    async add(scope, { text, idempotencyKey }) {
      const { id } = await idempotently(scope, { mutation: "exampleAddNote", key: idempotencyKey, body: { text } }, async (tx) => {
        const { tenantId, actorId: ownerId } = scope.viewer;
        const note = await insert(tx, { tenantId, ownerId }, { id: v7(), text });
        return { id: note.id };
      });
      return scope.em.findOneOrFail(ExampleNote, { id });
    },

    keepFor: insert,

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
