import type { LegalHolds, MaybePromise, MemoryScope, RetainedData, SqlTx } from "#weftline";

/** Where a record stands. Two records are in one space where all of it is equal. */
export interface Place {
  readonly tenantId: string;
  readonly scope: MemoryScope;
  readonly scopeId: string;
  /** "" for what all of the tenant share. */
  readonly ownerId: string;
}

/** A record that is to be kept. */
export interface NewRecord {
  readonly id: string;
  readonly place: Place;
  /** Who remembers it. */
  readonly ownerId: string;
  readonly text: string;
  readonly digest: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly sourceRunId: string | null;
  /** In milliseconds since 1970. */
  readonly at: number;
  readonly expiresAt: number | null;
  /** Absent while there is none: it is found by its words then. */
  readonly vector?: Vector | undefined;
}

/** A vector of length 1, and the number of the embedder that made it. */
export interface Vector {
  readonly embedder: number;
  readonly values: Float32Array;
}

/** What makes vectors comparable: those of two embedders that differ in any of it never are. */
export interface EmbedderKey {
  readonly id: string;
  readonly dimensions: number;
  readonly version: string;
}

/** What is searched. */
export interface StoreQuery {
  readonly tenantId: string;
  /** Whose turn it is where searches wait for each other. */
  readonly caller: string;
  /** The spaces, as numbers. No record of another is looked at. */
  readonly spaces: readonly number[];
  /** It may be on its way. */
  readonly vector?: MaybePromise<Vector | undefined>;
  readonly keywords: readonly string[];
  /** Only records whose metadata has these values at these keys. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  readonly limit: number;
  readonly now: number;
}

/** A record that was found. */
export interface StoreHit {
  readonly id: string;
  /** The reciprocal ranks together, from 0 to 1: 1 where it comes first by both. */
  readonly score: number;
  /** The cosine of its vector and the query's; null where it was not found by it. */
  readonly similarity: number | null;
  readonly matchedBy: readonly ("VECTOR" | "KEYWORD")[];
}

/** How vectors are searched. */
export interface StoreStatus {
  readonly vectors: "EXTENSION" | "SCAN";
  /** Why not by the extension. */
  readonly reason?: string;
}

/** A record without a vector of an embedder. */
export interface Unembedded {
  readonly num: number;
  readonly text: string;
}

/** By which a record is known to the index and to the graph. */
export interface RecordKey {
  readonly num: number;
  readonly id: string;
}

/** A record that says the same as a fact. */
export interface Twin extends RecordKey {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly expiresAt: number | null;
}

/** What a call of a tool has done: it kept or removed a record, which is absent where it is gone. */
export interface MadeCall {
  readonly id: string | undefined;
  readonly scope: MemoryScope | undefined;
}

/** Threads and runs of one tenant whose memory is removed. */
export interface ThreadsAndRuns {
  readonly tenantId: string;
  readonly threadIds: readonly string[];
  readonly runIds: readonly string[];
}

/** A record that counts, as programs read it. */
export interface Fact {
  readonly id: string;
  readonly text: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** In milliseconds since 1970. */
  readonly createdAt: number;
  readonly expiresAt: number | null;
}

/** How many facts are read, and how many characters of texts and metadata. */
export interface FactBounds {
  readonly records: number;
  readonly characters: number;
}

/** Facts in the order in which they were first remembered, or of what there is too much. */
export type Facts = { readonly facts: readonly Fact[] } | { readonly excess: keyof FactBounds };

/**
 * Keeps records and their index, and searches them. All writes are part of the caller's transaction: a record and its index are there together or not
 * at all.
 */
export interface MemoryStore {
  status(): StoreStatus;
  /** Makes what the store needs beside its tables. */
  open(): Promise<void>;
  close(): void;
  /** The number of an embedder, made where it is new. */
  embedder(tx: SqlTx, embedder: EmbedderKey): Promise<number>;
  /** The same without a write; nothing where it is new. */
  knownEmbedder(embedder: EmbedderKey): Promise<number | undefined>;
  /** The numbers of the spaces that are there, of places. */
  spaces(places: readonly Place[]): Promise<number[]>;
  /** Adds records, many at a time. */
  add(tx: SqlTx, records: readonly NewRecord[]): Promise<void>;
  /** Gives records a vector, in place of one that they had. Records that are gone or searched no more are left out. */
  embed(tx: SqlTx, vectors: readonly { readonly num: number; readonly vector: Vector }[]): Promise<void>;
  /** The record of a place that says the same, if there is one that counts; `but` is not asked. */
  twin(
    tx: SqlTx,
    fact: { readonly place: Place; readonly digest: string; readonly now: number; readonly but: string },
  ): Promise<Twin | undefined>;
  /** Changes what is found besides the text. */
  change(
    tx: SqlTx,
    num: number,
    to: { readonly metadata: Readonly<Record<string, unknown>>; readonly expiresAt: number | null; readonly now: number },
  ): Promise<void>;
  /** How many records stand in a place. */
  size(tx: SqlTx, place: Place): Promise<number>;
  /** Takes a record out of the index, for another that took its place; it stays to be read. */
  supersede(tx: SqlTx, num: number, by: { readonly id: string; readonly now: number }): Promise<void>;
  /** A record and all that it superseded, one after the other. */
  lineage(tx: SqlTx, num: number): Promise<readonly RecordKey[]>;
  /** Some records of a place. */
  some(tx: SqlTx, place: Place, limit: number): Promise<readonly RecordKey[]>;
  /** All records of a place that count: neither superseded nor expired. All or none of them are read. */
  facts(place: Place, bounds: FactBounds): Promise<Facts>;
  /** Removes records that have expired. @returns how many they were. */
  removeExpired(tx: SqlTx, limit: number): Promise<number>;
  /** What a call of a tool has done, by its key; nothing where it has done nothing. In a transaction, as that sees it. */
  callOf(key: string, tx?: SqlTx): Promise<MadeCall | undefined>;
  /** Notes that a call keeps a record, or is about to remove it. */
  noteCall(tx: SqlTx, key: string, id: string): Promise<void>;
  /** Removes what threads remember, what trees of runs do whose uppermost run is among these, and what was noted of calls of these. */
  removeOf(tx: SqlTx, what: ThreadsAndRuns): Promise<void>;
  /** Removes some records of the same threads and trees of runs. @returns how many they were. */
  removeSomeOf(tx: SqlTx, what: ThreadsAndRuns, limit: number): Promise<number>;
  /** Removes records with all that the index knows of them. */
  remove(tx: SqlTx, nums: readonly number[]): Promise<void>;
  /** Records that wait for a vector of an embedder, behind a number: those without one, or those with one of another. */
  unembedded(what: {
    readonly embedder: number;
    readonly which: "none" | "other";
    readonly after: number;
    readonly limit: number;
  }): Promise<Unembedded[]>;
  /** How many records wait for a vector, as in `unembedded`; so many are counted at most. */
  countUnembedded(what: {
    readonly embedder: number;
    readonly which: "none" | "other";
    readonly after: number;
    readonly most: number;
  }): Promise<number>;
  /** What policies remove. */
  retained(holds: LegalHolds): RetainedData;
  search(query: StoreQuery): Promise<readonly StoreHit[]>;
}
