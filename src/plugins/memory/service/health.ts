import type { HealthCheck } from "#plugins/health";
import type { MemoryStore } from "../store/store.ts";
import type { Embedding } from "./embedding.ts";

/** So many are counted. */
const most = 1_000;

/** Says which embedder is at work, why not another, and how many records wait for it. */
export function embedderCheck(store: MemoryStore, embedding: Embedding, isNamed: "named" | "by default"): HealthCheck {
  return async () => {
    const { embedder, instead } = embedding.chosen;
    const missing = { embedder: embedding.number, after: 0, most: most + 1 };
    const counts = [store.countUnembedded({ ...missing, which: "none" }), store.countUnembedded({ ...missing, which: "other" })];
    const [waiting, other] = (await Promise.all(counts)).map(counted);
    const parts = [
      `${embedder.id} (${embedder.kind.toLowerCase()}) embeds.`,
      ...(instead ? [`${instead.of} does not: ${instead.reason} ${instead.fix}`] : []),
      ...(embedding.problem === undefined ? [] : [embedding.problem]),
      ...(waiting === "0" ? [] : [`${waiting} records wait for their vectors, and are found by their words.`]),
      ...(waiting === "0" || embedding.refusal === undefined ? [] : [embedding.refusal]),
      ...(other === "0"
        ? []
        : [`${other} records have vectors of another embedder, and are found by their words: start the job memory.reindex.`]),
    ];
    const isWanting = (instead && isNamed === "named") || embedding.problem !== undefined || other !== "0";
    return { status: isWanting ? "DEGRADED" : "UP", detail: parts.join(" ") };
  };
}

/** Says whether vectors are searched by the extension. */
export function vectorsCheck(store: MemoryStore): HealthCheck {
  return () => {
    const { vectors, reason = "" } = store.status();
    if (vectors === "EXTENSION") return { status: "UP", detail: "sqlite-vec searches vectors." };
    return {
      status: "DEGRADED",
      detail: `sqlite-vec is not loaded, so vectors are compared one by one: ${reason} Install the package sqlite-vec, if there is one for this machine.`,
    };
  };
}

/** In words. */
function counted(n: number): string {
  return n > most ? `more than ${most}` : String(n);
}
