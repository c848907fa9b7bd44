import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { conversations, everyFramework, toldIn, tool } from "./world.ts";

const circle: Record<string, unknown> = {};
circle["self"] = circle;
const deep = (levels: number): unknown => Array.from({ length: levels }).reduce<unknown>((inner) => [inner], "core");

/** What tools answer with, and what is kept of it. */
const answers: Readonly<Record<string, { readonly value: unknown; readonly is?: unknown; readonly fails?: RegExp }>> = {
  "half.text": { value: "cut \ud83d", is: "cut \ufffd" },
  "half.deep": { value: { list: ["\udc00a", { "k\ud800": "\ud83d" }] }, is: { list: ["\ufffda", { "k\ufffd": "\ufffd" }] } },
  "nul.text": { value: "a\0b", is: "a\ufffdb" },
  "own.keys": {
    value: JSON.parse('{"__proto__":{"x":1},"constructor":2,"toString":3}'),
    is: JSON.parse('{"__proto__":{"x":1},"constructor":2,"toString":3}'),
  },
  infinite: {
    value: { rows: [{ n: Number.POSITIVE_INFINITY }] },
    fails: /cannot be used. The value holds Infinity at "n", so it is no JSON/,
  },
  nan: { value: Number.NaN, fails: /holds NaN/ },
  bigint: { value: { n: 1n }, fails: /holds a bigint/ },
  circle: { value: circle, fails: /holds itself/ },
  deep: { value: deep(50_000), fails: /nests deeper than 100/ },
  dates: { value: { at: new Date(0), left: undefined, list: [undefined] }, is: { at: "1970-01-01T00:00:00.000Z", list: [null] } },
};

const heard: unknown[] = [];
let world: Awaited<ReturnType<typeof conversations>>;
beforeAll(async () => {
  world = await conversations([
    ...Object.entries(answers).map(([name, { value }]) => tool(`answers.${name}`, () => value)),
    tool("takes.any", (args) => {
      heard.push(args);
      return "taken";
    }),
    tool("fails.half", () => {
      throw new Error(`broken \ud83d ${"x".repeat(50_000)}`);
    }),
  ]);
});
afterAll(() => world[Symbol.asyncDispose]());

describe.each(everyFramework)("values of tools on %s", (framework) => {
  it("that are no JSON fail their call alone, and text that is not well-formed is mended", async () => {
    const talk = await world.talk(framework);
    const names = Object.keys(answers).map((name) => `answers.${name}`);
    const run = await talk.say("go", { calls: [...names, "fails.half"].map((name) => ({ name, arguments: "{}" })) });
    expect(run).toMatchObject({ status: "SUCCEEDED", text: "done" });
    const made = new Map((await talk.calls()).map((each) => [each.name, each]));
    for (const [name, { is, fails }] of Object.entries(answers)) {
      const shown = made.get(`answers.${name}`);
      if (fails) expect(shown, name).toMatchObject({ state: "ERROR", error: expect.stringMatching(fails) as string });
      else expect(shown, name).toMatchObject({ state: "SUCCESS", result: is });
    }
    const error = made.get("fails.half")?.error ?? "";
    expect(error).toMatch(/^broken \ufffd xxx/);
    expect(error.length).toBeLessThan(11_000);
    expect(toldIn(talk.requests()[1])).toContain("broken \ufffd");
    expect(JSON.stringify(talk.requests())).not.toMatch(/\\ud[89a-f]/);
  });

  it("given as arguments are looked at before a call is made, and a call with half a character is made with U+FFFD", async () => {
    heard.length = 0;
    const talk = await world.talk(framework);
    const args = [
      String.raw`{"expression":"1+1 \ud83d"}`,
      '{"__proto__":{"x":1},"toString":1}',
      '{"n":1e999}',
      `{"n":${"[".repeat(500)}${"]".repeat(500)}}`,
    ];
    const run = await talk.say("go", { calls: args.map((each) => ({ name: "takes.any", arguments: each })) });
    expect(run).toMatchObject({ status: "SUCCEEDED", text: "done" });
    expect((await talk.calls()).map(({ state, error }) => error ?? state)).toEqual([
      "SUCCESS",
      "SUCCESS",
      expect.stringMatching(/holds Infinity at "n"/),
      expect.stringMatching(/nests deeper than 100/),
    ]);
    expect(heard).toHaveLength(2);
    expect(heard).toEqual(expect.arrayContaining([{ expression: "1+1 \ufffd" }, JSON.parse(args[1] ?? "")]));
  });
});
