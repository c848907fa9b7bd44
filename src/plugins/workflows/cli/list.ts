import type { CliAction, Viewer } from "#weftline";
import type { Workflow } from "../entities.ts";
import { listWorkflows } from "../service/list.ts";

const pageSize = 100;

/** Whose workflows a command reads: those of one tenant, which its members share. */
export function readerOf(tenant: unknown): Viewer {
  return { tenantId: typeof tenant === "string" ? tenant : "default", actorId: "cli", name: "CLI", roles: [] };
}

export const tenantOption = { flags: "--tenant <id>", description: "whose workflows", default: "default" } as const;

/** `weftline workflows list` */
export const listCommand: CliAction = {
  description: "list the stored workflows; works beside a running server",
  options: [
    { flags: "--search <text>", description: "only those with this text in their name or description" },
    { flags: "--archived", description: "archived ones instead" },
    tenantOption,
    { flags: "--json", description: "print JSON" },
  ],
  needs: "rows",
  run: async ({ options, scope, out, say }) => {
    const found: Workflow[] = [];
    const reader = scope(readerOf(options["tenant"]));
    const filter = { search: options["search"] as string | undefined, archived: options["archived"] === true };
    for (let after: string | null | undefined = null; after !== undefined;) {
      const { edges, pageInfo } = await listWorkflows(reader, filter, { first: pageSize, after });
      found.push(...edges.map(({ node }) => node));
      after = pageInfo.hasNextPage ? pageInfo.endCursor : undefined;
    }
    if (options["json"]) return void out(`${JSON.stringify(found.map(shown), null, 2)}\n`);
    if (found.length === 0) say(emptyText(filter));
    const width = Math.max(0, ...found.map(({ name }) => name.length));
    for (const { name, version, origin, description } of found)
      out(`${[name.padEnd(width), `v${version}`, origin ?? "API", description?.split("\n", 1)[0] ?? ""].join("  ").trimEnd()}\n`);
  },
};

/** Those of files and plugins get their rows with the first use of workflows. */
function emptyText({ search, archived }: { readonly search: string | undefined; readonly archived: boolean }): string {
  if (archived || search !== undefined) return "There are no such workflows in the database.";
  return "There are no workflows in the database yet. Those of files and plugins are stored when workflows are first used after a start.";
}

function shown({ name, description, version, archived, origin, updatedAt }: Workflow): object {
  const updated = new Date(updatedAt).toISOString();
  return { name, description: description ?? null, version, archived, origin: origin ?? null, updatedAt: updated };
}
