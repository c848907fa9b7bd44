import { MemoryScope, defineEnum, type GraphBuilder } from "#weftline";
import { AgentStatus, StopMode } from "../types.ts";

export function addEnums(builder: GraphBuilder): void {
  defineEnum(builder, AgentStatus, "AgentStatus", "Whether an agent takes runs. How it is stands apart, in its health.", {
    DRAFT: "Not yet started: it takes no runs.",
    ACTIVE: "It takes runs.",
    PAUSED: "Stopped: it takes no runs until it is started again.",
    ARCHIVED: "Put away: it takes no runs; starting it brings it back.",
  });
  defineEnum(builder, StopMode, "StopMode", "What becomes of the open runs of an agent that is stopped.", {
    DRAIN: "They finish.",
    CANCEL: "Those that the viewer may cancel are cancelled.",
  });
  defineEnum(builder, MemoryScope, "MemoryScope", "Whose memory a fact belongs to.", {
    THREAD: "That of one conversation.",
    AGENT: "That of one agent.",
    WORKFLOW: "That of one workflow.",
    USER: "That of the viewer.",
    TENANT: "That of all members of the tenant.",
  });
}
