import { messageOf } from "#weftline";
import type { McpServerConfig } from "../config.ts";
import type { Redact } from "./secrets.ts";

/** Why a server is away, and what fixes it. */
export interface Trouble {
  readonly reason: string;
  readonly fix: string;
}

/** Puts what a connection failed of into words for whoever runs the platform; no secret is in them. */
export function troubleOf(error: unknown, name: string, server: McpServerConfig, redact: Redact): Trouble {
  const codes = chainOf(error).flatMap((each) => codeOf(each));
  const words = redact(wordsOf(error));
  if ("command" in server) {
    if (codes.includes("ENOENT"))
      return { reason: `there is no program "${server.command}"`, fix: `Install it, or correct servers.${name}.command and cwd.` };
    return { reason: words, fix: `Run its command by hand, and correct servers.${name}.` };
  }
  // Paths and queries of hosted servers hold keys.
  const { origin: at } = new URL(server.url);
  if (codes.some((code) => code === 401 || code === 403))
    return { reason: `${at} refused the credentials`, fix: `Correct servers.${name}.headers.` };
  if (codes.some((code) => ["ECONNREFUSED", "ENOTFOUND", "ECONNRESET", "EHOSTUNREACH", "ETIMEDOUT"].includes(String(code))))
    return { reason: `${at} cannot be reached`, fix: `Start the server, or correct servers.${name}.url.` };
  return { reason: `${at}: ${words}`, fix: `Look whether servers.${name}.url is the address of an MCP server.` };
}

/** What an error says and what its causes add to that. */
function wordsOf(error: unknown): string {
  return chainOf(error)
    .map(messageOf)
    .reduce((said, more) => (said.includes(more) ? said : `${said}: ${more}`));
}

function chainOf(error: unknown): unknown[] {
  const chain = [error];
  for (let each = error; each instanceof Error && each.cause !== undefined && chain.length < 5; each = each.cause) chain.push(each.cause);
  return chain;
}

function codeOf(error: unknown): (string | number)[] {
  if (typeof error !== "object" || error === null) return [];
  const { code, status } = error as { readonly code?: unknown; readonly status?: unknown };
  return [code, status].filter((each) => typeof each === "string" || typeof each === "number");
}
