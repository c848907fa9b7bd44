import { describe, expect, it } from "vitest";
import { mentionsOf, valuesFor } from "../../../src/plugins/simulated/mentions.ts";

const tools = [{ name: "time_now", parameters: {} }];

function valuesOf(message: string): ReturnType<typeof valuesFor> {
  const [mention, ...more] = mentionsOf(message, tools);
  return mention && more.length === 0 ? valuesFor(mention, [mention], message) : expect.fail("the tool is not named once");
}

describe("what a message holds", () => {
  it("is found without the words that only ask for the tool", () => {
    expect(valuesOf("use time.now for Paris, please!!").request).toBe("Paris, please");
    expect(valuesOf('time.now "a" “b” `c` 1,234,567.5 and 2').quoted).toEqual(["a", "b", "c"]);
    expect(valuesOf("time.now 1,234,567.5 and 2").numbers).toEqual([1_234_567.5, 2]);
  });

  it.each([
    ["signs that might be its end", `x${"!".repeat(200_000)}x`],
    ["spaces and stops", `x${" .".repeat(100_000)}x`],
    ["words that ask", "please ".repeat(30_000)],
    ["quotes that are opened", "“".repeat(200_000)],
    ["other quotes", `${"'a".repeat(100_000)} ${"`".repeat(100_001)}`],
    ["numbers that go on", `1${",111".repeat(50_000)}x`],
    ["digits", `${"1".repeat(200_000)}x`],
    ["braces", "{".repeat(200_000)],
    ["parentheses", "(1+".repeat(60_000)],
  ])("is found in a time that grows with the message: %s", (_, text) => {
    const started = process.cpuUsage();
    valuesOf(`use time.now ${text}`);
    expect(process.cpuUsage(started).user).toBeLessThan(2_000_000);
  });
});
