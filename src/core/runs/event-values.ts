import { WeftlineError, messageOf } from "../errors.ts";
import { plainJson, plainText } from "../json/plain.ts";
import type { ProgramEventBody } from "./events.ts";
import { plainOutput } from "./output.ts";

/** The most that an event of a plugin may carry, in characters of JSON. */
const mostCharacters = { custom: 1024 * 1024, "state.patched": 16 * 1024 * 1024 } as const;
/** What is kept of a step's input and output, which are for people to read. */
const mostOfStep = 1024 * 1024;

/**
 * What an adapter or a program said, with values that the log can keep.
 *
 * @throws PROTOCOL_VIOLATION for an event that JSON cannot carry, or that is too large.
 */
export function withPlainValues(body: ProgramEventBody): ProgramEventBody {
  switch (body.kind) {
    case "custom":
      return body.data === undefined ? body : { ...body, data: carried(body.kind, body.data) };
    case "state.patched":
      return body.patch === undefined ? body : { ...body, patch: carried(body.kind, body.patch) };
    case "step.started":
      if (body.input === undefined) return body;
      return { ...body, input: "keeps" in body ? plainOutput(body.input) : shown(body.input) };
    case "step.finished": {
      const error = body.error === undefined ? {} : { error: plainText(body.error) };
      if (body.output === undefined) return { ...body, ...error };
      return { ...body, ...error, output: "keeps" in body ? plainOutput(body.output) : shown(body.output) };
    }
    default:
      return body;
  }
}

/** A step's input or output, as far as it can be shown. */
export function shown(value: unknown): unknown {
  try {
    return plainJson(value, mostOfStep).value;
  } catch (error) {
    return { notShown: messageOf(error) };
  }
}

function carried(kind: keyof typeof mostCharacters, value: unknown): unknown {
  const most = mostCharacters[kind];
  let plain;
  try {
    plain = plainJson(value, most);
  } catch (error) {
    throw new WeftlineError("PROTOCOL_VIOLATION", { plugin: "runs", problem: `${kind}: ${messageOf(error)}` }, { cause: error });
  }
  if (!plain.cut) return plain.value;
  throw new WeftlineError("PROTOCOL_VIOLATION", { plugin: "runs", problem: `${kind} carries more than ${most} characters of JSON` });
}
