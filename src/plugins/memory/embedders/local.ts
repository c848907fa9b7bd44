import { WeftlineError, createOffload } from "#weftline";
import type { Embedder, EmbedderStatus } from "./embedder.ts";
import { localInstall, localPackages } from "./local-model.ts";

/** For one batch of texts, once the model is loaded. */
const limitMs = 20_000;

/**
 * Universal Sentence Encoder Lite in a worker thread: English, semantic, without a key or a network. Its packages come beside Weftline, since they take
 * 32 MB; the model is loaded with the first text and let go after half a minute of rest.
 */
export function createLocalEmbedder(): Embedder {
  const thread = createOffload(new URL(`./local-thread${import.meta.url.slice(-3)}`, import.meta.url), {
    what: "embedding by the local model",
    limitMs,
  });
  return {
    id: "local-512",
    dimensions: 512,
    version: "1",
    kind: "SEMANTIC",
    status: localStatus,
    async embed(texts, signal) {
      const { state, reason = "", fix = localInstall } = localStatus();
      if (state === "UNAVAILABLE") throw new WeftlineError("UNAVAILABLE", { what: "The embedder local-512", reason, fix });
      signal.throwIfAborted();
      if (texts.length === 0) return [];
      return (await thread.run("texts", texts)) as readonly Float32Array[];
    },
    close: () => thread.close(),
  };
}

/** Whether its packages can be found. */
export function localStatus(): EmbedderStatus {
  const missing = localPackages.filter((name) => !isInstalled(name));
  if (missing.length === 0) return { state: "READY" };
  return {
    state: "UNAVAILABLE",
    reason: `${missing.join(" and ")} ${missing.length === 1 ? "is" : "are"} not installed.`,
    fix: localInstall,
  };
}

function isInstalled(name: string): boolean {
  try {
    import.meta.resolve(name);
    return true;
  } catch {
    return false;
  }
}
