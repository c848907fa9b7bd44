/**
 * What frameworks share that speak OpenAI's protocol to a model: options, requests, answers, failures. Nothing here loads an SDK before
 * {@link createSdkLoader}'s loader is called.
 */
export { cutCalls, endOfCall, limitReached, type Ending } from "./answer-end.ts";
export { streamAnswer, type AnswerSource } from "./answer-stream.ts";
export { Answer, type AnswerCall } from "./answer-taken.ts";
export { Parts, type AnswerEnd, type AnswerPiece, type AnswerReader, type CompleteEnd, type NativeEvent } from "./answer.ts";
export { createSdkLoader, requestVia, type LoadedSdk } from "./client.ts";
export { createCallIds, createWireIds, isAnswered, nextModelCall, nothingToAnswer, settled } from "./conversation.ts";
export { brokeOff, providerError, redacted, streamFailure, type Blame } from "./errors.ts";
export { loadFiles, type LoadedFile, type LoadedFiles } from "./files.ts";
export { argumentsText, inputContent, inputText, type ModelSettings } from "./model-call.ts";
export { extrasFor, withCallExtras, withExtras, type KeptExtras, type NativeExtras } from "./native-answer.ts";
export { openaiOptions, openaiOptionsSchema, type OpenAIOptions } from "./options.ts";
export { CallAssembler } from "./reading/calls.ts";
export { endOf } from "./reading/finish.ts";
export { Pieces } from "./reading/pieces.ts";
export { createReader } from "./reading/reader.ts";
export { entriesOf, fieldsOf, isFields, spoken, words, type Fields } from "./reading/text.ts";
export { reportedUsage } from "./reading/token-usage.ts";
export { buildRequest, type NativeRequest } from "./request.ts";
export { chatSettings } from "./request-chat.ts";
export { responsesSettings } from "./request-responses.ts";
export { wireSchema } from "./schemas/wire-schema.ts";
export { standingOn, versionOf, type AdaptedSdk } from "./sdk-standing.ts";
export { createToolNames, type ToolNames } from "./tool-names.ts";
export { completeEnd, watched } from "./watched.ts";
