import { MemoryScope, inputNamed, type GraphBuilder } from "#weftline";
import type { Remember, ScopeRef, SearchMemory } from "../contract.ts";

/** The inputs of the memory by their names, for those who use them. */
export function memoryInputs(builder: GraphBuilder) {
  return {
    scope: inputNamed<ScopeRef>(builder, "MemoryScopeInput"),
    remember: inputNamed<Remember>(builder, "RememberInput"),
    search: inputNamed<SearchMemory>(builder, "SearchMemoryInput"),
  };
}

export function addInputs(builder: GraphBuilder): void {
  const inputs = memoryInputs(builder);
  builder.inputType(inputs.scope, {
    description: "Whose memory. THREAD, AGENT and WORKFLOW take an id; USER is the viewer and TENANT the viewer's tenant, and take none.",
    fields: (t) => ({
      scope: t.field({ type: MemoryScope, required: true, description: "Which scope." }),
      id: t.id({ description: "The viewer's thread, an agent (what it knows of the viewer), or a run of the viewer's." }),
    }),
  });
  builder.inputType(inputs.remember, {
    description: "A fact to remember.",
    fields: (t) => ({
      text: t.string({
        required: true,
        description: "The fact, 1 to 8,000 characters: best one sentence that says by itself what it is about.",
      }),
      scope: t.field({ type: inputs.scope, required: true, description: "Whose memory; TENANT is for admins." }),
      metadata: t.field({ type: "JSON", description: "An object to find it by besides, up to 16 KiB." }),
      ttl: t.field({ type: "Duration", description: "How long it is remembered; for ever by default." }),
      idempotencyKey: t.string({
        description: "Makes it safe to send this again: for 24 hours the same key and body give the first answer.",
      }),
    }),
  });
  builder.inputType(inputs.search, {
    description: "What to look for.",
    fields: (t) => ({
      query: t.string({ required: true, description: "In plain words; the first 4,000 characters count." }),
      scopes: t.field({ type: [inputs.scope], required: true, description: "Where to look, 1 to 20." }),
      limit: t.int({ defaultValue: 10, description: "How many, at most 100." }),
      minScore: t.float({ description: "Leaves out what has a lower score." }),
      metadata: t.field({ type: "JSON", description: "An object: only records that have these values at these keys of their metadata." }),
    }),
  });
}
