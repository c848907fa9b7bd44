import { principalsOf, type Principal } from "../database/principals.ts";
import type { Viewer } from "../database/viewer.ts";
import { createChannel } from "../graphql/channel.ts";
import { serviceRef } from "../kernel/refs.ts";

export type ChangeKind = "CREATED" | "UPDATED" | "DELETED";

/** Something that changed, and who may hear of it. */
export interface Change {
  readonly kind: ChangeKind;
  readonly typeName: string;
  /** The local id; absent for what is the only one of its type. */
  readonly id?: string;
  readonly version?: number;
  /** Absent for what belongs to no tenant, since it comes with a plugin. */
  readonly tenantId?: string;
  /** Absent for what every member of the tenant sees. */
  readonly ownerId?: string;
  /** Who hears of it besides the owner; nobody by default. */
  readonly grantedTo?: readonly Principal[];
}

/** One event of `changes`; RESYNC stands for "refetch what you show". */
export type ChangeNotice = Change | { readonly kind: "RESYNC" };

/** Tells lists that something changed. Nothing is stored. */
export interface Changes {
  publish(change: Change): void;
  /** Whether somebody follows changes of a type now: who only looks for them may save the effort. */
  isFollowed(typeName: string): boolean;
  /** RESYNC first, then changes, coalesced by object for 250 ms. */
  follow(viewer: Viewer, typeNames: readonly string[] | undefined): AsyncIterableIterator<ChangeNotice>;
}

export const changesService = serviceRef<Changes>("platform.changes");

const windowMs = 250;
const budget = 1_000;

interface Follower {
  readonly typeNames: readonly string[] | undefined;
  readonly wants: (change: Change) => boolean;
  readonly push: (change: Change) => void;
}

export function createChanges(): Changes {
  const followers = new Set<Follower>();
  return {
    publish(change) {
      for (const follower of followers) if (follower.wants(change)) follower.push(change);
    },
    isFollowed: (typeName) => [...followers].some(({ typeNames }) => typeNames === undefined || typeNames.includes(typeName)),
    follow(viewer, typeNames) {
      const pending = new Map<string, Change>();
      const mine = new Set(principalsOf(viewer));
      let timer: NodeJS.Timeout | undefined;
      const channel = createChannel<ChangeNotice>(() => {
        clearTimeout(timer);
        followers.delete(follower);
      });
      const flush = (): void => {
        timer = undefined;
        if (channel.size + pending.size > budget) {
          channel.clear();
          channel.push({ kind: "RESYNC" });
        } else for (const change of pending.values()) channel.push(change);
        pending.clear();
      };
      const follower: Follower = {
        typeNames,
        wants: (change) =>
          (change.tenantId === undefined || change.tenantId === viewer.tenantId) &&
          (change.ownerId === undefined ||
            change.ownerId === viewer.actorId ||
            (change.grantedTo ?? []).some((principal) => mine.has(principal))) &&
          (typeNames === undefined || typeNames.includes(change.typeName)),
        push: (change) => {
          const key = `${change.typeName}:${change.id ?? ""}`;
          pending.set(key, coalesce(pending.get(key), change));
          timer ??= setTimeout(flush, windowMs);
        },
      };
      followers.add(follower);
      channel.push({ kind: "RESYNC" });
      return channel;
    },
  };
}

/** What was created and then updated within one window was, for a list, created. */
function coalesce(before: Change | undefined, after: Change): Change {
  return before?.kind === "CREATED" && after.kind === "UPDATED" ? { ...after, kind: "CREATED" } : after;
}
