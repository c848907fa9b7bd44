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
  const words = redact(chainOf(error).map(messageOf).join(": "));
  if ("command" in server) {
    if (codes.includes("ENOENT"))
      return { reason: `there is no program "${server.command}"`, fix: `Install it, or correct servers.${name}.command and cwd.` };
    return { reason: words, fix: `Run its command by hand, and correct servers.${name}.` };
  }
  const { origin, pathname } = new URL(server.url);
  const at = `${origin}${pathname}`;
  if (codes.some((code) => code === 401 || code === 403))
    return { reason: `${at} refused the credentials`, fix: `Correct servers.${name}.headers.` };
  if (codes.some((code) => ["ECONNREFUSED", "ENOTFOUND", "ECONNRESET", "EHOSTUNREACH", "ETIMEDOUT"].includes(String(code))))
    return { reason: `${at} cannot be reached`, fix: `Start the server, or correct servers.${name}.url.` };
  return { reason: `${at}: ${words}`, fix: `Look whether servers.${name}.url is the address of an MCP server.` };
}

function chainOf(error: unknown): unknown[] {
  const chain: unknown[] = [];
  for (let each = error; each !== undefined && chain.length < 5; each = each instanceof Error ? each.cause : undefined) chain.push(each);
  return chain;
}

function codeOf(error: unknown): (string | number)[] {
  if (typeof error !== "object" || error === null) return [];
  const { code, status } = error as { readonly code?: unknown; readonly status?: unknown };
  return [code, status].filter((each) => typeof each === "string" || typeof each === "number");
}
