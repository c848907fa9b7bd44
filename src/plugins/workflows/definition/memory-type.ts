import type { ListType } from "#weftline";

/** The type of `memory`: what the runs of one tree remember in common, each a fact. */
export const memoryType: ListType = {
  items: {
    members: { id: "string", text: "string", metadata: { members: {}, others: "dyn" }, createdAt: "string" },
  },
};
