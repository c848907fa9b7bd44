import { PassThrough } from "node:stream";
import { expect, it } from "vitest";
import { promptFor, type PromptPlace } from "../../../../src/plugins/workflows/cli/run/ask/prompts.ts";

it("Enter leaves out what an answer may leave out, and keeps what its schema proposes", async () => {
  const input = new PassThrough();
  const output = new PassThrough();
  const place = { input, output, signal: new AbortController().signal } as unknown as PromptPlace;
  const properties = {
    sure: { type: "boolean" },
    tone: { enum: ["dry", "warm"] },
    size: { enum: ["small", "large"], default: "large" },
    loud: { type: "boolean", default: false },
  };
  // Each question is answered once it stands on the screen.
  const asked = Object.keys(properties);
  let shown = "";
  output.on("data", (chunk) => {
    shown += String(chunk);
    if (asked[0] === undefined || !shown.includes(`${asked[0]} (may be left empty)`)) return;
    asked.shift();
    setImmediate(() => input.write("\r"));
  });
  const question = {
    id: "i",
    message: "How?",
    allowed: ["ANSWER"],
    arguments: null,
    toolName: null,
    responseSchema: { type: "object", properties },
  };
  const decided = await promptFor(question as unknown as Parameters<typeof promptFor>[0], undefined, place);
  expect(decided).toEqual({ kind: "ANSWER", payload: { size: "large", loud: false } });
});
