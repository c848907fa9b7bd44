import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toolRegistry } from "#weftline";
import { agents, auth, capabilities, chat, models, openai, simulated } from "../../../src/plugins/index.ts";
import { probePlugin, serve, type Served } from "../../graphql/fixture.ts";
import { ask } from "./ways.ts";

let app: Served;
beforeAll(async () => {
  app = await serve({
    plugins: [auth(), models({ bindings: {} }), simulated(), capabilities(), openai(), agents(), chat(), probePlugin()],
  });
});
afterAll(() => app[Symbol.asyncDispose]());

/** Each of its parts asks for the next one twice: 2^40 checks of one value. */
const forking = {
  $ref: "#/$defs/d0",
  $defs: Object.fromEntries(
    Array.from({ length: 41 }, (_, at) => [
      `d${at}`,
      at === 40 ? { type: "object" } : { allOf: [{ $ref: `#/$defs/d${at + 1}` }, { $ref: `#/$defs/d${at + 1}` }] },
    ]),
  ),
};
/** The same over the parts of a value, by a schema that refers to itself. */
const forkingDown = { allOf: [{ properties: { n: { $ref: "#" } } }, { properties: { n: { $ref: "#" } } }] };
const deep = JSON.parse(`${'{"n":'.repeat(60)}{}${"}".repeat(60)}`) as object;
const slowPattern = { type: "object", properties: { t: { type: "string", pattern: "^(a+)+$" } } };
/** Alternatives within alternatives: slow to compile. */
const nested = ((): Readonly<Record<string, unknown>> => {
  let schema: object = { type: "string" };
  for (let depth = 0; depth < 11; depth++)
    schema = { anyOf: [schema, { type: "object", properties: { [`p${depth}`]: { type: "null" } } }] };
  return { anyOf: Array.from({ length: 20 }, () => structuredClone(schema)) };
})();
const unique = { type: "array", uniqueItems: true };

const costly = {
  "references that fork": [forking, {}],
  "references that fork down a value": [forkingDown, deep],
  "a pattern that backtracks": [slowPattern, { t: `${"a".repeat(60)}!` }],
  "items that are all compared": [unique, Array.from({ length: 40_000 }, (_, at) => ({ at }))],
} as const;

/** The longest time that the loop did not turn while something was done. */
async function longestBlock(work: Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  const turn = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 1);
  await work;
  clearInterval(turn);
  return longest;
}

describe("schemas that take long", () => {
  const registry = () => app.platform.use(toolRegistry);

  it.each(Object.entries(costly))("are given up by an error of their own, beside the main thread: %s", async (_, [schema, value]) => {
    const checked = Promise.resolve(registry().checkSchema(schema, value, "ada"));
    const refused = expect(checked).rejects.toMatchObject({ code: "WORK_TOO_LONG" });
    // A loaded machine lets a thread wait; the work itself would take much longer.
    expect(await longestBlock(refused)).toBeLessThan(3_000);
    // Others have their turns, and small work goes on as before.
    expect(await registry().checkSchema({ type: "object", required: ["x"] }, {}, "bob")).toHaveLength(1);
  });

  it("are compiled beside the main thread, and mean what they say", async () => {
    expect(registry().schemaProblem(nested)).toBeInstanceOf(Promise);
    expect(await registry().checkSchema(nested, "text")).toEqual([]);
    expect(await registry().checkSchema(nested, 7)).not.toEqual([]);
    expect(await registry().schemaProblem({ ...forking, type: 7 })).toMatch(/type must be/);
  });

  it("end their run with the reason, and the thread of it goes on", async () => {
    const created = await ask(app, "HTTP", {
      query: `mutation ($input: CreateAgentInput!) { createAgent(input: $input) { __typename ... on UserError { message } } }`,
      variables: { input: { name: "Forker", framework: "openai", outputSchema: forking } },
    });
    expect(created.data).toMatchObject({ createAgent: { __typename: "CreateAgentPayload" } });
    const started = await ask(app, "HTTP", {
      query: `mutation { startRun(input: { target: { agent: { name: "Forker" } }, text: "hi" }) { ... on StartRunPayload { run { id } } } }`,
    });
    const { id } = (started.data as { startRun: { run: { id: string } } }).startRun.run;
    const seen = async (): Promise<{ status: string; failure: { code: string } | null }> => {
      const { data } = await ask(app, "HTTP", {
        query: "query ($id: ID!) { run(id: $id) { status failure { code } } }",
        variables: { id },
      });
      return (data as { run: { status: string; failure: { code: string } | null } }).run;
    };
    while (["QUEUED", "RUNNING"].includes((await seen()).status)) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await seen()).toEqual({ status: "FAILED", failure: { code: "WORK_TOO_LONG" } });
  });
});
