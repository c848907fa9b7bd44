import { WeftlineError } from "#weftline";
import type { ChosenEmbedder } from "../service/embedding.ts";
import type { Embedder } from "./embedder.ts";

/**
 * The embedder of the host: the one that the configuration names, else the local model where its packages are, else the lexical one.
 *
 * @throws CONFIG_INVALID for a name that nobody contributes.
 */
export async function chooseEmbedder(known: ReadonlyMap<string, Embedder>, named: string | undefined): Promise<ChosenEmbedder> {
  const name = named ?? "local-512";
  const wanted = known.get(name);
  const lexical = known.get("lexical-hash-384");
  if (!wanted || !lexical) {
    const problem = `memory.embedder is "${name}", which there is not`;
    throw new WeftlineError("CONFIG_INVALID", { file: "plugins.config.ts", problem, fix: `Name one of ${[...known.keys()].join(", ")}.` });
  }
  // A named one may come back; what was not asked for is not waited for.
  if (named !== undefined) return { embedder: wanted };
  const { state, reason = "it cannot embed.", fix = "" } = (await wanted.status?.()) ?? { state: "READY" };
  return state === "READY" ? { embedder: wanted } : { embedder: lexical, instead: { of: wanted.id, reason, fix } };
}
