import { readFileSync } from "node:fs";
import { v7 as newId } from "uuid";
import { databaseService, type Scope } from "#weftline";
import { digestOf } from "../src/plugins/memory/service/keep.ts";
import type { NewRecord } from "../src/plugins/memory/store/store.ts";
import { createSqliteStore } from "../src/plugins/memory/store/sqlite/store.ts";

const dimensions = 512;
const batch = 200;

/** A fact of a file, and whose it is: the viewer's tenant's where none is named. */
export interface FactLine {
  readonly text: string;
  readonly scope: "TENANT" | "USER";
  readonly tenant?: string;
}

/**
 * Adds facts with their vectors as an import would, a transaction for 200.
 *
 * @param path of `.json` with the facts and `.f32` with their vectors.
 * @returns how many a second.
 */
export async function rememberAll(scope: Scope, path: string): Promise<number> {
  const database = scope.use(databaseService);
  const store = createSqliteStore(database);
  const lines = JSON.parse(readFileSync(`${path}.json`, "utf8")) as readonly FactLine[];
  const bytes = readFileSync(`${path}.f32`);
  const vectors = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  const embedder = await database.commit((tx) => store.embedder(tx, { id: "local-512", dimensions, version: "1" }), "memory.embedder");
  const { tenantId, actorId } = scope.viewer;
  const began = performance.now();
  for (let from = 0; from < lines.length; from += batch) {
    const at = await database.now();
    const records = lines.slice(from, from + batch).map(({ text, scope: kind, tenant = tenantId }, index): NewRecord => {
      const values = vectors.subarray((from + index) * dimensions, (from + index + 1) * dimensions);
      const place =
        kind === "TENANT"
          ? { tenantId: tenant, scope: kind, scopeId: tenant, ownerId: "" }
          : { tenantId: tenant, scope: kind, scopeId: actorId, ownerId: actorId };
      return {
        id: newId(),
        place,
        ownerId: actorId,
        text,
        digest: digestOf(text),
        metadata: {},
        sourceRunId: null,
        at,
        expiresAt: null,
        vector: { embedder, values },
      };
    });
    await database.commit((tx) => store.add(tx, records), "memory.remember");
  }
  return lines.length / ((performance.now() - began) / 1_000);
}
