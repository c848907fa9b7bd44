import { raw } from "@mikro-orm/core";
import { v7 } from "uuid";
import { isLonger, idempotently, pageOf, WeftlineError, type Page, type PageArgs, type Scope, type Tx } from "#weftline";
import type { ThreadFilter } from "../contract.ts";
import { Thread } from "../entities.ts";
import { checkConfig, checkTitle, invalid, type CheckedConfig } from "./checks.ts";
import { announce, type ChatDeps } from "./deps.ts";
import { contentReachOf, noteReading } from "./reach.ts";
import type { CreateThread, UpdateThread } from "./requests.ts";

/** What a `thread.changed` event says. */
export type ThreadChangeName = "UPDATED" | "CONFIGURED" | "CLEARED" | "ARCHIVED" | "DELETED";

/** What a row of a new thread starts from. */
export type NewThread = Pick<
  Thread,
  "title" | "agentId" | "historyLimit" | "historyTokens" | "retention" | "simulatedAllowed" | "metadata" | "forkedFromMessageId"
>;

/** @throws NOT_FOUND */
export async function findThread(scope: Scope, id: string, path: readonly string[] = ["thread"]): Promise<Thread> {
  const [thread] = await scope.rowsById(Thread, [id]);
  if (!thread) throw new WeftlineError("NOT_FOUND", { what: "thread", path });
  return thread;
}

/** The thread as the transaction sees it. @throws NOT_FOUND */
export async function threadIn(tx: Tx, id: string, path: readonly string[] = ["thread"]): Promise<Thread> {
  const thread = await tx.em.findOne(Thread, { id });
  if (!thread) throw new WeftlineError("NOT_FOUND", { what: "thread", path });
  return thread;
}

/** Titles are no longer. */
const maxSearch = 200;

/**
 * Threads, those that changed last first. Titles are content, so that of others they are searched only where the viewer may read them.
 *
 * @throws FORBIDDEN for reach TENANT of a viewer who is no admin, INVALID_INPUT for a search that is too long.
 */
export async function listThreads(scope: Scope, filter: ThreadFilter, args: PageArgs): Promise<Page<Thread>> {
  const { reach = "MINE" } = filter;
  const words = searchable(filter.search ?? "") ?? "";
  if (isLonger(words, maxSearch)) throw invalid(["search"], `A search has at most ${maxSearch} characters.`);
  const where = {
    ...(filter.archived == null ? {} : { archived: filter.archived }),
    ...(filter.agentId === undefined ? {} : { agentId: filter.agentId }),
    ...(words !== "" && contentReachOf(scope) === "MINE" ? { ownerId: scope.viewer.actorId } : {}),
    ...(words === "" ? {} : { [raw("search_title like ? escape '!'", [`%${words.replaceAll(/[!%_]/g, "!$&")}%`])]: [] }),
  };
  const page = await pageOf(scope.emWith(reach), Thread, where, args, { updatedAt: "desc", id: "desc" });
  for (const { node } of page.edges) noteReading(scope, node);
  return page;
}

/** @throws INVALID_INPUT, or NOT_FOUND for its agent. */
export async function createThread(deps: ChatDeps, scope: Scope, request: CreateThread): Promise<Thread> {
  const title = checkTitle(request.title) ?? null;
  const config = checkConfig(request.config);
  let made: Thread | undefined;
  const { thread } = await idempotently(scope, { mutation: "createThread", key: request.idempotencyKey, body: request }, async (tx) => {
    const agent = request.agent ? await deps.agents.resolve(scope, request.agent, ["input", "agent"]) : undefined;
    const fields = { title, agentId: agent?.id ?? null, forkedFromMessageId: null, ...withDefaults(config, deps) };
    // Its log is empty.
    made = Object.assign(await openThread(deps, scope, tx, fields), { lastSeq: 0, held: 0 });
    return { thread: made.id };
  });
  return made ?? findThread(scope, thread);
}

/** Makes a thread and its log within a transaction. */
export async function openThread(deps: ChatDeps, scope: Scope, tx: Tx, fields: NewThread): Promise<Thread> {
  const { tenantId, actorId: ownerId } = scope.viewer;
  const id = v7();
  const { num: streamNum } = await deps.streams.open(tx, { id, kind: "THREAD", tenantId, ownerId });
  return insertThread(deps, scope, tx, fields, { id, streamNum });
}

/** Makes a thread of a log that is there already. */
export async function insertThread(
  deps: ChatDeps,
  scope: Scope,
  tx: Tx,
  fields: NewThread,
  { id, streamNum }: Pick<Thread, "id" | "streamNum">,
): Promise<Thread> {
  const { tenantId, actorId: ownerId } = scope.viewer;
  const now = Date.now();
  const rest = { searchTitle: searchable(fields.title), archived: false, createdAt: now, updatedAt: now };
  const thread = await tx.insert(Thread, { id, tenantId, ownerId, streamNum, ...fields, ...rest });
  announce(deps, tx, thread, "CREATED");
  return thread;
}

/** @throws NOT_FOUND, INVALID_INPUT */
export async function updateThread(deps: ChatDeps, scope: Scope, request: UpdateThread): Promise<Thread> {
  const title = checkTitle(request.title);
  const config = checkConfig(request.config);
  await scope.write(async (tx) => {
    const thread = await threadIn(tx, request.thread, ["input", "thread"]);
    const agentId = await changedAgent(deps, scope, request);
    const changes: ThreadChangeName[] = [];
    if (assign(thread, { title, agentId, ...(title === undefined ? {} : { searchTitle: searchable(title) }) })) changes.push("UPDATED");
    if (assign(thread, changedConfig(config, deps))) changes.push("CONFIGURED");
    const archived = request.archived === undefined ? undefined : (request.archived ?? false);
    if (assign(thread, { archived })) changes.push(thread.archived ? "ARCHIVED" : "UPDATED");
    if (changes.length === 0) return;
    thread.updatedAt = Date.now();
    await appendChanges(deps, tx, thread, [...new Set(changes)]);
    announce(deps, tx, thread, "UPDATED");
  }, "chat.updateThread");
  return findThread(scope, request.thread, ["input", "thread"]);
}

/** Appends what changed to the thread's log. */
export async function appendChanges({ streams }: ChatDeps, tx: Tx, thread: Thread, changes: readonly ThreadChangeName[]): Promise<void> {
  await streams.append(
    tx,
    thread.streamNum,
    changes.map((change) => ({ kind: "thread.changed", payload: { change, thread: thread.id } })),
  );
}

async function changedAgent({ agents }: ChatDeps, scope: Scope, { agent }: UpdateThread): Promise<string | null | undefined> {
  if (agent == null) return agent;
  return (await agents.resolve(scope, agent, ["input", "agent"])).id;
}

function withDefaults(
  config: CheckedConfig,
  deps: ChatDeps,
): Pick<Thread, "historyLimit" | "historyTokens" | "retention" | "simulatedAllowed" | "metadata"> {
  return {
    historyLimit: config?.historyLimit ?? deps.config.historyLimit,
    historyTokens: config?.historyTokens ?? null,
    retention: config?.retention ?? null,
    simulatedAllowed: config?.simulatedAllowed ?? true,
    metadata: config?.metadata ?? {},
  };
}

/** The settings that the change names, each with its default where it is cleared; null clears all. */
function changedConfig(config: CheckedConfig, deps: ChatDeps): Partial<Thread> {
  if (config === undefined) return {};
  const all = withDefaults(config, deps);
  if (config === null) return all;
  return Object.fromEntries(Object.entries(all).filter(([name]) => config[name as keyof typeof config] !== undefined));
}

/** Sets what is given. @returns whether that changed anything. */
function assign(thread: Thread, fields: { readonly [Name in keyof Thread]?: Thread[Name] | undefined }): boolean {
  const changed = Object.entries(fields).filter(
    ([name, value]) => value !== undefined && JSON.stringify(value) !== JSON.stringify(thread[name as keyof Thread]),
  );
  Object.assign(thread, Object.fromEntries(changed));
  return changed.length > 0;
}

function searchable(title: string | null | undefined): string | null {
  return title == null ? null : title.normalize("NFKC").toLowerCase().trim();
}
