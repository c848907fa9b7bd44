import type { McpServerConfig } from "../config.ts";

/** Shorter ones would take ordinary words out of messages. */
const shortest = 4;

/** Takes what the configuration holds secret (headers, environment, credentials in the address) out of a text. */
export type Redact = (text: string) => string;

export function redactorOf(server: McpServerConfig): Redact {
  const secrets = secretsOf(server)
    .filter(({ length }) => length >= shortest)
    .toSorted((a, b) => b.length - a.length);
  return (text) => secrets.reduce((clean, secret) => clean.replaceAll(secret, "[hidden]"), text);
}

function secretsOf(server: McpServerConfig): string[] {
  if ("command" in server) return Object.values(server.env);
  const { username, password, search, searchParams } = new URL(server.url);
  // Of "Bearer abc" an echo may hold the second word alone.
  const words = Object.values(server.headers).flatMap((value) => [value, ...value.split(" ").slice(1)]);
  return [...words, username, password, search.slice(1), ...searchParams.values()];
}
