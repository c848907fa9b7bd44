import { defineEnum, enumKey, type GraphBuilder } from "#weftline";

export const MemoryMatch = enumKey("VECTOR", "KEYWORD");
export const MemoryAction = enumKey("RECALLED", "SAVED", "UPDATED", "FORGOTTEN");
export type MemoryAction = keyof typeof MemoryAction;

export function addEnums(builder: GraphBuilder): void {
  defineEnum(builder, MemoryMatch, "MemoryMatch", "How a record was found.", {
    VECTOR: "By its vector: by what it means with a semantic embedder, by how it is written with a lexical one.",
    KEYWORD: "By words that it shares with the query.",
  });
  defineEnum(builder, MemoryAction, "MemoryAction", "What a run did with its memory.", {
    RECALLED: "The records were shown to the run's model.",
    SAVED: "They were remembered.",
    UPDATED: "One became another: the newer first, then what it superseded.",
    FORGOTTEN: "They are gone.",
  });
}
