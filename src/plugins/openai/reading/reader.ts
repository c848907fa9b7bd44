import type { AnswerReader } from "../answer.ts";
import { createChatReader } from "./chat.ts";
import { createResponsesReader } from "./responses.ts";

/** A reader for one answer over one of the two APIs; what it makes of them is the same. */
export function createReader(api: "responses" | "chat"): AnswerReader {
  const reader = api === "responses" ? createResponsesReader() : createChatReader();
  let metered: string | undefined;
  return {
    read: (event) => reader.read(event),
    rest: () => reader.rest(),
    end: () => (metered === undefined ? reader.end() : { ...reader.end(), call: metered }),
    answers: (call) => {
      metered = call;
    },
  };
}
