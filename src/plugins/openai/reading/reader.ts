import type { AnswerReader } from "../answer.ts";
import { createChatReader } from "./chat.ts";
import { createResponsesReader } from "./responses.ts";

/** A reader for one answer over one of the two APIs; what it makes of them is the same. */
export function createReader(api: "responses" | "chat"): AnswerReader {
  return api === "responses" ? createResponsesReader() : createChatReader();
}
