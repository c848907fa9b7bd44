import { LockMode } from "@mikro-orm/core";
import { Actor, asWeftlineError, type Tx } from "#weftline";
import { Workflow } from "../entities.ts";
import type { WorkflowsHost } from "../service/host.ts";
import type { ProvidedWorkflow } from "./check.ts";
import { insertWorkflow, named, raiseVersion, saveWorkflow } from "../service/rows.ts";

/** Brings the workflows of files and plugins into tenants. */
export interface Provision {
  /** Makes the rows of a tenant equal to the files and plugins, once a process. Never call it inside a write. */
  ensure(tenantId: string): Promise<void>;
}

/** Who owns the workflows of files and plugins. */
const platformActor = { id: "weftline", name: "Weftline", kind: "SYSTEM" } as const;
/** How many tenants are remembered as done; one that was forgotten is looked at again. */
const maxTenants = 10_000;

/** @param provided what there is, read once all plugins are set up. */
export function createProvision(host: WorkflowsHost, provided: () => readonly ProvidedWorkflow[]): Provision {
  const tenants = new Map<string, Promise<void>>();
  const begin = (tenantId: string): Promise<void> => {
    const work = bring(host, tenantId, provided()).catch((error: unknown) => {
      // Reads go on with the rows that there are, and the next one tries again.
      tenants.delete(tenantId);
      host.log.warn({ err: error, tenantId, code: asWeftlineError(error).code }, "the workflows of files and plugins were not stored");
    });
    if (tenants.size >= maxTenants) tenants.delete(tenants.keys().next().value ?? "");
    tenants.set(tenantId, work);
    return work;
  };
  return { ensure: (tenantId) => tenants.get(tenantId) ?? begin(tenantId) };
}

interface Differences {
  readonly missing: readonly ProvidedWorkflow[];
  readonly changed: readonly (readonly [Workflow, ProvidedWorkflow])[];
  readonly gone: readonly Workflow[];
  /** Names that the tenant's own workflows have. */
  readonly taken: readonly ProvidedWorkflow[];
}

async function bring(host: WorkflowsHost, tenantId: string, provided: readonly ProvidedWorkflow[]): Promise<void> {
  const before = differences(await host.database.em("SYSTEM").find(Workflow, rowsOf(tenantId, provided)), provided);
  for (const { name, origin } of before.taken)
    host.log.warn({ tenantId, workflow: name, origin }, "a workflow was left out, since one of the tenant's own has its name");
  if (before.missing.length + before.changed.length + before.gone.length === 0) return;
  await host.database.write(
    "SYSTEM",
    async (tx) => {
      const rows = await tx.em.find(Workflow, rowsOf(tenantId, provided), { lockMode: LockMode.PESSIMISTIC_WRITE });
      await store(host, tx, tenantId, differences(rows, provided));
    },
    "workflows.provide",
  );
}

function rowsOf(tenantId: string, provided: readonly ProvidedWorkflow[]) {
  return { tenantId, $or: [{ origin: { $ne: null } }, { name: { $in: provided.map(({ name }) => name) } }] };
}

function differences(rows: readonly Workflow[], provided: readonly ProvidedWorkflow[]): Differences {
  const byName = new Map(rows.map((row) => [row.name, row]));
  const names = new Set(provided.map(({ name }) => name));
  const pairs = provided.map((each) => [byName.get(each.name), each] as const);
  return {
    missing: pairs.flatMap(([row, each]) => (row ? [] : [each])),
    changed: pairs.flatMap(([row, each]) => (row && row.origin != null && differs(row, each) ? [[row, each] as const] : [])),
    taken: pairs.flatMap(([row, each]) => (row && row.origin == null ? [each] : [])),
    gone: rows.filter(({ name, origin, archived }) => origin != null && !archived && !names.has(name)),
  };
}

function differs(row: Workflow, { contentHash, origin, description }: ProvidedWorkflow): boolean {
  return row.archived || row.contentHash !== contentHash || row.origin !== origin || (row.description ?? null) !== description;
}

async function store({ changes }: WorkflowsHost, tx: Tx, tenantId: string, { missing, changed, gone }: Differences): Promise<void> {
  const ownerId = platformActor.id;
  if (missing.length > 0) await tx.em.upsert(Actor, { tenantId, ownerId, ...platformActor });
  for (const each of missing) await insertWorkflow(changes, tx, { ...each, tenantId, ownerId });
  for (const [row, { definition, contentHash, origin, description }] of changed) {
    if (row.contentHash !== contentHash) raiseVersion(tx, row, definition);
    Object.assign(row, named(row.name, description), { archived: false, contentHash, origin });
    await saveWorkflow(changes, tx, row);
  }
  for (const row of gone) {
    row.archived = true;
    await saveWorkflow(changes, tx, row);
  }
}
