import type { EntityClass, FilterQuery } from "@mikro-orm/core";
import type { EntityManager } from "@mikro-orm/sqlite";
import DataLoader from "dataloader";
import type { Database, Tx } from "../database/database.ts";
import type { RowQuery } from "../database/rows.ts";
import type { Reach, Viewer } from "../database/viewer.ts";
import { extensionPoint, serviceRef, type Contribution, type ExtensionPoint, type ServiceRef } from "../kernel/refs.ts";
import type { Logger, MaybePromise } from "../kernel/spec.ts";
import type { AnswerBytes } from "./answer-bytes.ts";

/** What a scope needs of the host. */
export interface ScopeHost {
  readonly database: Database;
  readonly log: Logger;
  /** Notes who writes. */
  remember(tx: Tx, viewer: Viewer): Promise<void>;
  has(ref: ServiceRef<unknown>): boolean;
  use<T>(ref: ServiceRef<T>): T;
  contributions<T>(point: ExtensionPoint<T>): ReadonlyMap<string, Contribution<T>>;
}

/** Who asks, as a transport saw it: HTTP headers in lower case, or the payload of a socket's first message. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly connectionParams: Readonly<Record<string, unknown>>;
  /** The peer's address. */
  readonly address: string;
}

/** A viewer that was let in. */
export interface Admitted extends Viewer {
  /**
   * When its credentials end, in milliseconds since 1970; never by default. An open socket is closed then with 4403, an event stream
   * ends with UNAUTHENTICATED.
   */
  readonly expiresAt?: number;
}

/** An actor within its tenant. */
export type ActorKey = Pick<Viewer, "tenantId" | "actorId">;

/** Turns credentials into a viewer; `undefined` leaves the decision to the next authenticator. */
export interface Authenticator {
  authenticate(credentials: Credentials): MaybePromise<Admitted | undefined>;
  /**
   * An actor as it is now, for what acts in its name while it is away: schedules, webhooks. `undefined` for an actor that this authenticator would not
   * let in. Without it nothing acts for the actors of this authenticator.
   */
  viewerOf?(actor: ActorKey): MaybePromise<Admitted | undefined>;
  /** Whether it lets in callers without credentials, as the local viewer does. Such a server binds to loopback only. */
  readonly open: boolean;
}

/** Where plugins put {@link Authenticator}s. The first that answers decides. */
export const authenticators = extensionPoint<Authenticator>("weftline.authenticators");

/** A number that every revocation raises; subscriptions compare it before each event. */
export interface Authorization {
  readonly version: number;
  /** Something was revoked: open subscriptions check their viewer anew before the next event. */
  raise(): void;
  /** Whether a viewer that was let in may still act. */
  admits(viewer: Viewer): MaybePromise<boolean>;
}

export const authorizationService = serviceRef<Authorization>("auth.authorization");

/** How the host is, in one word. */
export interface HostHealth {
  status(): Promise<"UP" | "DEGRADED" | "DOWN">;
}

/** What `/healthz` answers with; UP where no plugin provides it. */
export const hostHealth = serviceRef<HostHealth>("weftline.health");

/**
 * What a resolver works with, and all that it may use. It cannot be made without a viewer, and its entity manager reads as that viewer.
 */
export class Scope {
  readonly viewer: Viewer;
  readonly requestId: string;
  /** The trace that the request is in, as a W3C `traceparent`; nothing where it is in none. */
  traceparent: string | undefined;
  readonly #host: ScopeHost;
  /** What the answer holds so far, where that is limited. */
  answer: AnswerBytes | undefined;
  #em: EntityManager | undefined;
  #loaders: Map<unknown, DataLoader<string, unknown>> | undefined;

  constructor(host: ScopeHost, viewer: Viewer, requestId: string) {
    this.#host = host;
    this.viewer = viewer;
    this.requestId = requestId;
  }

  get log(): Logger {
    return this.#host.log;
  }

  /** Reads as the viewer. Made at the first use. */
  get em(): EntityManager {
    return (this.#em ??= this.#host.database.em(this.viewer));
  }

  /** Reads with another reach, for lists that admins may widen. */
  emWith(reach: Reach): EntityManager {
    return reach === "MINE" ? this.em : this.#host.database.em(this.viewer, reach);
  }

  /**
   * Rows by prepared SQL, read as the viewer: for what is read all the time. They are not managed: to change one, find it with `tx.em`.
   *
   * @example scope.rows(Message, { where: "e.run_id = ?", params: [run.id], orderBy: "e.start_seq" })
   */
  async rows<Entity extends object>(entity: EntityClass<Entity>, query: RowQuery, reach: Reach = "MINE"): Promise<Entity[]> {
    const read = (): Promise<Entity[]> => this.#host.database.rows.all(entity, { reader: this.viewer, reach }, query);
    return this.answer ? this.answer.reading(read) : read();
  }

  /** Rows by their ids, in no order; ids that the viewer may not see are left out. */
  rowsById<Entity extends { readonly id: string }>(
    entity: EntityClass<Entity>,
    ids: readonly string[],
    reach: Reach = "MINE",
  ): Promise<Entity[]> {
    const { rows } = this.#host.database;
    if (rows.reads(entity)) return rows.byIds(entity, { reader: this.viewer, reach }, ids);
    return this.emWith(reach).find(entity, { id: { $in: [...ids] } } as unknown as FilterQuery<Entity>) as Promise<Entity[]>;
  }

  /** How many rows there are of a query. */
  countRows<Entity extends object>(entity: EntityClass<Entity>, query: RowQuery, reach: Reach = "MINE"): Promise<number> {
    return this.#host.database.rows.count(entity, { reader: this.viewer, reach }, query);
  }

  /**
   * Runs `work` in one transaction as the viewer, and forgets what was loaded before it and within it.
   *
   * @param name what the commit is, for fault suites.
   */
  async write<T>(work: (tx: Tx) => Promise<T>, name = "write"): Promise<T> {
    const written = async (tx: Tx): Promise<T> => {
      this.renew();
      await this.#host.remember(tx, this.viewer);
      return work(tx);
    };
    try {
      return await this.#host.database.write(this.viewer, written, name);
    } finally {
      // Also where it failed: what was loaded within it was read from a transaction that others share.
      this.renew();
    }
  }

  /** Whether somebody provides the service. */
  has(ref: ServiceRef<unknown>): boolean {
    return this.#host.has(ref);
  }

  /** @throws UNAVAILABLE where nobody provides the service. */
  use<T>(ref: ServiceRef<T>): T {
    return this.#host.use(ref);
  }

  contributions<T>(point: ExtensionPoint<T>): ReadonlyMap<string, Contribution<T>> {
    return this.#host.contributions(point);
  }

  /**
   * Batches loads of one kind within an event-loop turn; `key` names the kind.
   *
   * @example scope.load(Thread, id, (ids) => threadsByIds(scope, ids))
   */
  load<T>(key: unknown, id: string, batch: (ids: readonly string[]) => Promise<readonly (T | undefined)[]>): Promise<T | undefined> {
    const loaders = (this.#loaders ??= new Map<unknown, DataLoader<string, unknown>>());
    let loader = loaders.get(key);
    if (!loader) loaders.set(key, (loader = new DataLoader<string, unknown>(batch)));
    return loader.load(id) as Promise<T | undefined>;
  }

  /** Forgets what was loaded: after each write and before each event of a subscription, so that nothing stale is sent. */
  renew(): void {
    this.#em = undefined;
    this.#loaders = undefined;
  }
}
