import type { Readable } from "node:stream";

const most = 4_096;

/** Keeps the last that a process said on its way out. */
export function lastWords(from: Readable): () => string {
  let said = "";
  from.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-most)));
  return () => said;
}
