import { v7 } from "uuid";
import { Message, WeftlineError, type Scope, type StoredPart, type Tx } from "#weftline";
import { ImportedThread, Thread } from "../entities.ts";
import { announce, type ChatDeps } from "../service/deps.ts";
import { beginFork, discardFork, endFork, type UnfinishedFork } from "../service/fork/unfinished.ts";
import { insertThread } from "../service/threads.ts";
import type { DocumentMessage, DocumentPart, ThreadDocument } from "./document.ts";

/** What one commit writes at most: others write in between. */
const messagesAtOnce = 32;
const charactersAtOnce = 1_000_000;

/** A document, and by what it is known again. */
export interface ThreadImport {
  /** The same for the same document. */
  readonly key: string;
  readonly document: ThreadDocument;
  /** The name of the thread's agent, in the place of the document's. */
  readonly agent?: string | undefined;
}

/** What became of a document. */
export interface ImportOutcome {
  readonly outcome: "imported" | "known";
  readonly thread: string;
}

/**
 * Makes a thread of a document, by batches into a log that nobody sees: the thread is there with the last of them, or not at all. Once per key, viewer
 * and thread that is still there.
 *
 * @throws NOT_FOUND for an agent or a file, CONFLICT where the viewer keeps too much.
 */
export async function importThread(deps: ChatDeps, scope: Scope, { key, document, agent }: ThreadImport): Promise<ImportOutcome> {
  const known = await knownThread(scope, key);
  if (known !== undefined) return { outcome: "known", thread: known };
  const agentId = await agentOf(deps, scope, agent, document);
  if (isShort(document)) return importAtOnce(deps, scope, { key, document, agentId });
  const draft = await scope.write((tx) => beginFork(deps, scope, tx, v7()), "chat.beginImport");
  try {
    const ids = await addAll(deps, scope, draft, document);
    await supersede(scope, ids, document);
    const thread = await scope.write((tx) => finish(deps, scope, tx, { draft, key, document, agentId }), "chat.endImport");
    if (thread === draft.id) return { outcome: "imported", thread };
    // Another import of the same document came first.
    await discardFork(deps, draft);
    return { outcome: "known", thread };
  } catch (error) {
    // Where that fails, too, the next start does it.
    await discardFork(deps, draft).catch(() => undefined);
    throw error;
  }
}

async function knownThread({ em, viewer }: Pick<Scope, "em" | "viewer">, key: string): Promise<string | undefined> {
  const row = await em.findOne(ImportedThread, { tenantId: viewer.tenantId, ownerId: viewer.actorId, key });
  return row && (await em.findOne(Thread, { id: row.threadId })) ? row.threadId : undefined;
}

/** The agent that was asked for must be there; the one of the document may have stayed elsewhere. */
async function agentOf(deps: ChatDeps, scope: Scope, asked: string | undefined, { thread }: ThreadDocument): Promise<string | null> {
  const name = asked ?? thread.agent;
  if (name == null) return null;
  try {
    return (await deps.agents.resolve(scope, { name }, ["input", "agent"])).id;
  } catch (error) {
    if (asked === undefined && error instanceof WeftlineError && error.kind === "notFound") return null;
    throw error;
  }
}

/** Most conversations are: one commit is enough for them. */
function isShort({ messages }: ThreadDocument): boolean {
  return messages.length <= messagesAtOnce && batchFrom(messages, 0).length === messages.length;
}

async function importAtOnce(deps: ChatDeps, scope: Scope, made: Omit<Finished, "draft">): Promise<ImportOutcome> {
  const { messages } = made.document;
  return scope.write(async (tx) => {
    const known = await knownThread({ em: tx.em, viewer: scope.viewer }, made.key);
    if (known !== undefined) return { outcome: "known", thread: known };
    const draft = await beginFork(deps, scope, tx, v7());
    const ids = await addPage(deps, scope, tx, { draft, messages, files: made.document.files });
    await supersedeIn(tx, pairsOf(ids, made.document));
    return { outcome: "imported", thread: await finish(deps, scope, tx, { draft, ...made }) };
  }, "chat.importAtOnce");
}

/** @returns the ids of the messages, in the document's order. */
async function addAll(deps: ChatDeps, scope: Scope, draft: UnfinishedFork, { messages, files }: ThreadDocument): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < messages.length) {
    const page = { draft, messages: batchFrom(messages, ids.length), files };
    ids.push(...(await scope.write((tx) => addPage(deps, scope, tx, page), "chat.importPage")));
  }
  return ids;
}

interface AddedPage {
  readonly draft: UnfinishedFork;
  readonly messages: readonly DocumentMessage[];
  readonly files: ThreadDocument["files"];
}

async function addPage(deps: ChatDeps, scope: Scope, tx: Tx, { draft, messages, files }: AddedPage): Promise<string[]> {
  const ids: string[] = [];
  for (const message of messages) ids.push(await add(deps, scope, tx, { draft, message, files }));
  return ids;
}

function batchFrom(messages: readonly DocumentMessage[], from: number): readonly DocumentMessage[] {
  let [end, characters] = [from, 0];
  while (end < messages.length && end - from < messagesAtOnce && (end === from || characters < charactersAtOnce)) {
    characters += JSON.stringify(messages[end]).length;
    end++;
  }
  return messages.slice(from, end);
}

interface Added {
  readonly draft: UnfinishedFork;
  readonly message: DocumentMessage;
  readonly files: ThreadDocument["files"];
}

/** Nobody here said it: an answer is REPLAYED, whatever it was where it comes from. */
async function add(deps: ChatDeps, scope: Scope, tx: Tx, { draft, message, files }: Added): Promise<string> {
  const { role, createdAt, status, agent } = message;
  const parts: StoredPart[] = [];
  for (const part of message.parts) parts.push(await storedPart(deps, scope, tx, { part, files, draft }));
  if (status !== "COMPLETE") parts.push({ type: "data", name: "status", data: { status } });
  const { id } = await deps.streams.addMessage(tx, draft.streamNum, {
    role: role === "TOOL" ? "SYSTEM" : role,
    parts,
    threadId: draft.id,
    createdAt: Math.min(Date.parse(createdAt), Date.now()),
    ...(role === "USER" ? { authorId: scope.viewer.actorId } : {}),
    ...(role === "ASSISTANT" ? { provenance: "REPLAYED" as const, ...(agent === undefined ? {} : { agentName: agent }) } : {}),
  });
  return id;
}

interface Stored {
  readonly part: DocumentPart;
  readonly files: ThreadDocument["files"];
  readonly draft: UnfinishedFork;
}

/** An imported message has no run, so what a call was and what came of it is data. */
async function storedPart({ files: kept }: ChatDeps, scope: Scope, tx: Tx, { part, files, draft }: Stored): Promise<StoredPart> {
  if (part.type === "toolCall") {
    const { name, arguments: args = null, status, result = null, error = null } = part;
    return { type: "data", name: "toolCall", data: { name, arguments: args, status, result, error } };
  }
  if (part.type !== "file") return part as StoredPart;
  const { name = "file", mediaType = "", size = 0, file } = files[part.file] ?? {};
  const [attached] =
    file === undefined || !kept ? [] : await kept.attach(scope, tx, draft.id, [{ file, path: ["files", part.file, "file"] }]);
  return attached ?? { type: "data", name: "missingFile", data: { name, mediaType, size } };
}

type Superseded = readonly [id: string, by: string];

function pairsOf(ids: readonly string[], { messages }: ThreadDocument): Superseded[] {
  return messages.flatMap(({ supersededBy }, index): Superseded[] =>
    supersededBy === undefined ? [] : [[ids[index] ?? "", ids[supersededBy] ?? ""]],
  );
}

async function supersede(scope: Scope, ids: readonly string[], document: ThreadDocument): Promise<void> {
  const pairs = pairsOf(ids, document);
  for (let at = 0; at < pairs.length; at += messagesAtOnce)
    await scope.write((tx) => supersedeIn(tx, pairs.slice(at, at + messagesAtOnce)), "chat.importSuperseded");
}

async function supersedeIn({ em }: Tx, pairs: readonly Superseded[]): Promise<void> {
  for (const [id, supersededById] of pairs) await em.nativeUpdate(Message, { id }, { supersededById });
}

interface Finished {
  readonly draft: UnfinishedFork;
  readonly key: string;
  readonly document: ThreadDocument;
  readonly agentId: string | null;
}

/** The draft is a thread now. @returns its id, or that of the one that is there already. */
async function finish(deps: ChatDeps, scope: Scope, tx: Tx, { draft, key, document, agentId }: Finished): Promise<string> {
  const { tenantId, actorId: ownerId } = scope.viewer;
  const row = await tx.em.findOne(ImportedThread, { tenantId, ownerId, key });
  if (row && (await tx.em.findOne(Thread, { id: row.threadId }))) return row.threadId;
  if (row) await tx.em.nativeDelete(ImportedThread, { tenantId, ownerId, key });
  await endFork(tx, draft);
  const { title, metadata, archived } = document.thread;
  const settings = { historyLimit: deps.config.historyLimit, historyTokens: null, retention: null, simulatedAllowed: true };
  const made = await insertThread(deps, scope, tx, { title, agentId, metadata, forkedFromMessageId: null, ...settings }, draft);
  const createdAt = Math.min(Date.parse(document.thread.createdAt), Date.now());
  const last = document.messages.reduce((latest, message) => Math.max(latest, Date.parse(message.createdAt)), createdAt);
  await tx.em.nativeUpdate(Thread, { id: made.id }, { archived, createdAt, updatedAt: Math.min(last, Date.now()) });
  await tx.insert(ImportedThread, { tenantId, ownerId, key, threadId: made.id });
  announce(deps, tx, made, "UPDATED");
  return made.id;
}
