import type { McpServerConfig } from "../config.ts";

/** Shorter ones would take ordinary words out of messages. */
const shortest = 4;
/** The same of what may be a secret, and may be a word. */
const shortestMaybe = 8;

/** Takes what the configuration holds secret (headers, environment, credentials in the address), or may (its path, arguments), out of a text. */
export type Redact = (text: string) => string;

export function redactorOf(server: McpServerConfig): Redact {
  const secrets = secretsOf(server)
    .filter(({ length }) => length >= shortest)
    .toSorted((a, b) => b.length - a.length);
  return (text) => secrets.reduce((clean, secret) => clean.replaceAll(secret, "[hidden]"), text);
}

function secretsOf(server: McpServerConfig): string[] {
  if ("command" in server) return [...Object.values(server.env), ...server.args.flatMap(partsOf).filter(mayBeSecret)];
  const { username, password, pathname, search, searchParams } = new URL(server.url);
  // Of "Bearer abc" an echo may hold the second word alone.
  const words = Object.values(server.headers).flatMap((value) => [value, ...value.split(" ").slice(1)]);
  const segments = pathname.split("/").flatMap((segment) => [segment, decoded(segment)]);
  return [...words, username, password, search.slice(1), ...searchParams.values(), ...segments.filter(mayBeSecret)];
}

/** `--header=Authorization: Bearer abc`: an echo may hold what follows the sign, or a word of it. */
function partsOf(arg: string): string[] {
  const value = arg.slice(arg.indexOf("=") + 1);
  return [arg, value, ...value.split(/\s+/)];
}

function mayBeSecret({ length }: string): boolean {
  return length >= shortestMaybe;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
