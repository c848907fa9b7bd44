import { inspect } from "node:util";
import { expect } from "vitest";
import type { WeftlineError } from "../../../src/core/index.ts";
import { providerServer, type Behaviour } from "../../../src/testing/index.ts";
import { bindingTo, fakeKey, play, type Way } from "./play.ts";

/** Whatever an error shows, in any way that it is printed or sent. */
export function allWordsOf(error: unknown): string {
  if (error === undefined) return "";
  const known = error as WeftlineError;
  return [
    known.message,
    known.fix,
    known.stack,
    JSON.stringify(known),
    JSON.stringify(known.details),
    inspect(known, { depth: 10, showHidden: true }),
  ].join("\n");
}

/** Plays a turn against a server that misbehaves, and holds that it was asked once and that the key turns up nowhere. */
export async function fault({ framework, api }: Way, behave: Behaviour, rest: { readonly timeoutMs?: number } = {}) {
  await using server = await providerServer(behave);
  const played = await play({ framework, model: bindingTo(server.baseURL, api, rest) });
  expect(allWordsOf(played.error)).not.toContain(fakeKey);
  expect(JSON.stringify(played.heard)).not.toContain(fakeKey);
  expect(server.seen).toHaveLength(1);
  expect(server.seen[0]?.headers.authorization).toBe(`Bearer ${fakeKey}`);
  return { ...played, error: played.error as WeftlineError };
}

/** An error as OpenAI words it. */
export const says = (message: string, code: string | null = null) => ({ error: { message, type: "some_error", param: null, code } });
