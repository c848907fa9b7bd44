import type { Readable } from "node:stream";
import { redacted } from "#plugins/openai";

const kept = 4_096;
const shown = 450;

/** Keeps the last that a process says. */
export function lastWords(from: Readable): () => string {
  let said = "";
  from.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-kept)));
  return () => endOf(said);
}

/** The last lines of what a process said, for a failure: without what looks like a secret. */
export function endOf(said: string): string {
  const lines = said.trim().split("\n");
  let end = lines.pop() ?? "";
  // Whole lines: half a secret does not look like one.
  for (let line = lines.pop(); line !== undefined && line.length + end.length < shown; line = lines.pop()) end = `${line}\n${end}`;
  return redacted(end, { secrets: [] }) || "it said nothing";
}
