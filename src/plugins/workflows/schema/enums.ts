import { defineEnum, type GraphBuilder } from "#weftline";
import { JoinPolicy, OnError } from "../definition/types.ts";

export function addEnums(builder: GraphBuilder): void {
  defineEnum(builder, JoinPolicy, "JoinPolicy", "Which dependencies a node waits for.", {
    ALL: "Every one of them.",
    ANY: "The first that succeeds; one that failed with CONTINUE has not.",
    COUNT: "As many as joinCount says.",
  });
  defineEnum(builder, OnError, "OnError", "What a node's failure does, after its last attempt.", {
    FAIL: "It fails the run.",
    CONTINUE: "The run goes on; the node's output is null.",
    ROUTE: "Its errorNode takes over.",
  });
}
