import { describe, expect, it } from "vitest";
import { checkDefinition } from "../../../../src/plugins/workflows/definition/problems.ts";
import { surroundings } from "./surroundings.ts";

type Fields = Readonly<Record<string, unknown>>;

const t = (key: string, expression = "1", fields: Fields = {}): Fields => ({ key, kind: "transform", config: { expression }, ...fields });
const inputSchema = {
  type: "object",
  properties: { topic: { type: "string" }, depth: { type: "number" }, tags: { type: "array", items: { type: "string" } } },
  required: ["topic"],
  additionalProperties: false,
};

/** The problems of some nodes, each as `path: message`. */
async function problemsOf(nodes: unknown, more: Fields = { inputSchema }): Promise<string[]> {
  const { problems } = await checkDefinition({ nodes, ...more }, surroundings, ["input"]);
  return problems.map(({ path, message }) => `${path.join(".").replace(/^input\.nodes\./, "")}: ${message}`);
}

const search = (args: unknown): unknown => [{ key: "s", kind: "tool", config: { tool: "web.search", arguments: args } }];

const cases: readonly (readonly [what: string, nodes: unknown, problems: readonly string[]])[] = [
  ["nothing", [t("a"), t("b", "nodes.a.output + 1", { dependsOn: ["a"] })], []],
  // Dependencies.
  ["an unknown dependency", [t("a", "1", { dependsOn: ["b"] })], ['0.dependsOn.0: There is no node "b".']],
  ["a dependency on itself", [t("a", "1", { dependsOn: ["a"] })], ["0.dependsOn.0: A node cannot depend on itself."]],
  [
    "a cycle, and what waits for it",
    [
      t("a", "1", { dependsOn: ["c"] }),
      t("b", "1", { dependsOn: ["a"] }),
      t("c", "1", { dependsOn: ["b"] }),
      t("d", "1", { dependsOn: ["c"] }),
    ],
    ["0.dependsOn: These nodes wait for each other: a → c → b → a.", '3: "d" never runs: it waits for a cycle.'],
  ],
  [
    "two cycles",
    [
      t("a", "1", { dependsOn: ["b"] }),
      t("b", "1", { dependsOn: ["a"] }),
      t("c", "1", { dependsOn: ["d"] }),
      t("d", "1", { dependsOn: ["c"] }),
    ],
    ["0.dependsOn: These nodes wait for each other: a → b → a.", "2.dependsOn: These nodes wait for each other: c → d → c."],
  ],
  [
    "a tool that is known only when the node runs, and a signal that cannot be sent",
    [
      { key: "a", kind: "tool", config: { tool: "{{ input.topic }}" } },
      { key: "b", kind: "wait", config: { signal: "s".repeat(101) } },
    ],
    [
      "0.config.tool: Write the tool's name itself: it cannot be an expression.",
      "1.config.signal: A signal's name has 1 to 100 characters.",
    ],
  ],
  // Joins.
  ["a join of nothing", [t("a", "1", { join: "ANY" })], ["0.join: There is nothing to join: the node depends on no others."]],
  [
    "a count that is never met",
    [t("a"), t("b", "1", { dependsOn: ["a"], join: "COUNT", joinCount: 2 })],
    ["1.joinCount: The node depends on 1 others: 2 can never succeed."],
  ],
  [
    "a count over a branch",
    [
      { key: "x", kind: "branch", config: { cases: [{ when: "true", to: "a" }], else: "b" } },
      t("a", "1", { dependsOn: ["x"] }),
      t("b", "1", { dependsOn: ["x"] }),
      t("c", "1", { dependsOn: ["a", "b"], join: "COUNT", joinCount: 2 }),
    ],
    ["3.joinCount: At most 1 of the nodes can succeed, since a branch chooses between them: 2 never do."],
  ],
  // Error nodes and undo.
  ["an unknown error node", [t("a", "1", { onError: "ROUTE", errorNode: "x" })], ['0.errorNode: There is no node "x".']],
  [
    "an error node of itself",
    [t("a", "1", { onError: "ROUTE", errorNode: "a" })],
    ["0.errorNode: A node cannot be the error node of itself."],
  ],
  [
    "an error node that takes part in more",
    [t("a", "1", { onError: "ROUTE", errorNode: "e" }), t("b"), t("e", "1", { dependsOn: ["b"] }), t("c", "1", { dependsOn: ["e"] })],
    [
      '2.dependsOn: "e" is the error node of "a", so it depends on nothing else.',
      '2: "e" is the error node of "a", so "c" cannot depend on it.',
    ],
  ],
  [
    "an error node of two",
    [t("a", "1", { onError: "ROUTE", errorNode: "e" }), t("b", "1", { onError: "ROUTE", errorNode: "e" }), t("e")],
    ['1.errorNode: "e" is the error node of "a" already: give each node its own.'],
  ],
  [
    "one node that is both",
    [t("a", "1", { onError: "ROUTE", errorNode: "e", undo: "e" }), t("e")],
    ['0.undo: "e" is the error node already: one node cannot be both.'],
  ],
  [
    "an undo node that is undone",
    [t("a", "1", { undo: "u" }), t("u", "1", { undo: "v" }), t("v")],
    ['1.undo: "u" undoes "a", so it has neither an error node nor one that undoes it.'],
  ],
  // Kinds and their settings.
  [
    "an unknown kind",
    [{ key: "a", kind: "agnet" }],
    [
      '0.kind: There is no kind "agnet". Did you mean "agent"? Choose one of: agent, approval, branch, input, loop, map, tool, transform, wait, workflow.',
    ],
  ],
  [
    "unknown names",
    [
      { key: "a", kind: "agent", config: { agent: "nobody", text: "hi" } },
      { key: "b", kind: "tool", config: { tool: "nothing" } },
      { key: "c", kind: "workflow", config: { workflow: { id: "none" }, input: {} } },
      { key: "d", kind: "agent", config: { agent: "{{ input.topic }}", text: "hi" } },
    ],
    [
      '0.config.agent: There is no agent "nobody".',
      '1.config.tool: There is no tool "nothing".',
      '2.config.workflow: There is no workflow with the id "none".',
    ],
  ],
  [
    "an agent without a text",
    [{ key: "a", kind: "agent", config: { agent: "writer" } }],
    ['0.config: An agent is given "text" or "input".'],
  ],
  [
    "an unknown setting",
    [{ key: "a", kind: "wait", config: { duration: "PT1S", how: 1 } }],
    ['0.config.how: There is no setting "how" here.'],
  ],
  [
    "two waits",
    [{ key: "a", kind: "wait", config: { duration: "PT1S", signal: "go" } }],
    ["0.config: A wait has exactly one of duration, until, signal."],
  ],
  [
    "a wait of a hundred years",
    [{ key: "a", kind: "wait", config: { duration: "P100Y" } }],
    ["0.config.duration: A wait is at most a year long."],
  ],
  [
    "a wait until long from now",
    [{ key: "a", kind: "wait", config: { until: "2999-01-01T00:00:00Z" } }],
    ["0.config.until: A wait is at most a year long."],
  ],
  [
    "a response schema that is none",
    [{ key: "a", kind: "input", config: { message: "?", responseSchema: { type: "strin" } } }],
    [expect.stringMatching(/^0\.config\.responseSchema: This is not a JSON Schema: /)],
  ],
  [
    "an approval that nobody can give",
    [{ key: "a", kind: "approval", config: { message: "?", allowed: ["REJECT"] } }],
    ["0.config.allowed: With REJECT alone it could only fail."],
  ],
  [
    "approvers that there are not",
    [
      { key: "a", kind: "approval", config: { message: "?", approvers: { actors: ["ada", "eve"] } } },
      { key: "b", kind: "input", config: { message: "?", approvers: {} } },
    ],
    ["0.config.approvers.actors.1: There is no such actor.", "1.config.approvers: Name a role or an actor, or leave it out."],
  ],
  // Expressions.
  ["a syntax error", [t("a", "1 +")], ["0.config.expression: The expression is not valid: Unexpected token: EOF."]],
  [
    "an unknown variable",
    [t("a", "inptu.topic")],
    ["0.config.expression: The expression is not valid: Unknown variable: inptu. There are input, nodes, memory."],
  ],
  [
    "a member that the input does not have",
    [t("a", "input.topik")],
    ['0.config.expression: The expression is not valid: "input.topik": there is no "topik", only topic, depth, tags.'],
  ],
  [
    "an operation that types do not allow",
    [t("a", "input.topic * 2")],
    ["0.config.expression: The expression is not valid: no such overload: string * int."],
  ],
  ["a condition that is none", [t("a", "1", { when: "input.topic" })], ["0.when: A condition is true or false; this is a text."]],
  ["an unknown node", [t("a", "nodes.x.output")], ['0.config.expression: There is no node "x".']],
  [
    "a node that is not upstream",
    [t("a"), t("b", "nodes.a.output")],
    ['1.config.expression: "nodes.a" is not known here: "b" does not depend on "a", neither itself nor by others.'],
  ],
  ["all nodes", [t("a"), t("b", "size(nodes)", { dependsOn: ["a"] })], ["1.config.expression: Name the node, as in nodes.a.output."]],
  [
    "a member that an output does not have",
    [
      { key: "c", kind: "agent", config: { agent: "critic", text: "{{ input.topic }}" } },
      t("a", "nodes.c.output.scroe", { dependsOn: ["c"] }),
      t("b", "nodes.c.output.notes.map(n, n.txt)", { dependsOn: ["c"] }),
      t("d", "nodes.c.ouptut", { dependsOn: ["c"] }),
      t("e", "nodes.c.output == null ? 0 : nodes.c.output.score", { dependsOn: ["c"] }),
    ],
    [
      '1.config.expression: The expression is not valid: "nodes.c.output.scroe": there is no "scroe", only score, notes.',
      "2.config.expression: The expression is not valid: No such key: txt.",
      '3.config.expression: The expression is not valid: "nodes.c.ouptut": there is no "ouptut", only output, status, error.',
    ],
  ],
  [
    "the type of an earlier expression",
    [
      t("a", '{"n": size(input.tags), "deep": {"s": input.topic}}'),
      t("b", "nodes.a.output.n + nodes.a.output.deep.s", { dependsOn: ["a"] }),
      t("c", "1", { dependsOn: ["b"], when: "nodes.a.output.m" }),
    ],
    [
      "1.config.expression: The expression is not valid: no such overload: int + string.",
      '2.when: The expression is not valid: "nodes.a.output.m": there is no "m", only n, deep.',
    ],
  ],
  [
    "a template that is not closed",
    [{ key: "a", kind: "agent", config: { agent: "writer", text: "Hi {{ input.topic" } }],
    ['0.config.text: A "{{" is not closed by "}}". To write the braces themselves: {{ "{{" }}.'],
  ],
  [
    "a template deep in the settings",
    search({ query: "{{ input.topic }} {{ input.topik }}" }),
    ['0.config.arguments.query: The expression is not valid: "input.topik": there is no "topik", only topic, depth, tags.'],
  ],
  [
    "an error node that looks downstream, and one that looks at what failed",
    [
      t("a", "1", { onError: "ROUTE", errorNode: "e" }),
      t("b", "1", { dependsOn: ["a"], undo: "u" }),
      t("e", "[nodes.a.error, nodes.b.output]"),
      t("u", "[nodes.b.output, nodes.a.output]"),
    ],
    ['2.config.expression: "nodes.b" is not known here: "e" does not depend on "b", neither itself nor by others.'],
  ],
  // Branch, map and loop.
  [
    "targets of a branch",
    [
      t("a"),
      {
        key: "x",
        kind: "branch",
        dependsOn: ["a"],
        config: {
          cases: [
            { when: "nodes.a.output", to: "y" },
            { when: "true", to: "z" },
          ],
          else: "a",
        },
      },
      t("y", "1", { dependsOn: ["x"] }),
    ],
    [
      "1.config.cases.0.when: A condition is true or false; this is a whole number.",
      '1.config.cases.1.to: There is no node "z".',
      '1.config.else: "a" does not depend on "x": add it to its dependsOn.',
    ],
  ],
  [
    "a map",
    [
      {
        key: "m",
        kind: "map",
        config: { over: "input.topic", concurrency: 65, node: { kind: "transform", config: { expression: "item" } } },
      },
      { key: "n", kind: "map", config: { over: "input.topic", node: { kind: "transform", config: { expression: "item" } } } },
      {
        key: "o",
        kind: "map",
        config: { over: "input.tags", as: "tag", node: { kind: "transform", config: { expression: "tag + index" } } },
      },
      {
        key: "p",
        kind: "map",
        config: { over: "input.tags", node: { kind: "loop", config: {}, retry: { attempts: 0 }, onError: "ROUTE" } },
      },
      { key: "q", kind: "map", config: { over: "[1, 2]", node: { kind: "transform", config: { expression: "item * 2.5" } } } },
      t("r", "nodes.q.output[0].x", { dependsOn: ["q"] }),
    ],
    [
      "0.config.concurrency: Too big: expected number to be <=64",
      "0.config.over: This has to be a list; it is a text.",
      "1.config.over: This has to be a list; it is a text.",
      "2.config.node.config.expression: The expression is not valid: no such overload: string + int.",
      "3.config.node.kind: A loop cannot be inside: start a workflow to nest them.",
      "3.config.node.retry.attempts: This is a whole number from 1 to 20.",
      "3.config.node.onError: This is one of FAIL, CONTINUE.",
      "5.config.expression: The expression is not valid: Cannot index type 'double'.",
    ],
  ],
  [
    "a loop",
    [
      { key: "l", kind: "loop", config: { while: "index", max: 1_001, node: { kind: "transform", config: { expression: "itme" } } } },
      { key: "k", kind: "loop", config: { while: "index", max: 3, node: { kind: "nope", config: { expression: "{{ itme }}" } } } },
    ],
    [
      "0.config.max: Too big: expected number to be <=1000",
      "0.config.while: A condition is true or false; this is a whole number.",
      "0.config.node.config.expression: The expression is not valid: Unknown variable: itme. There are input, nodes, memory, item, index.",
      "1.config.while: A condition is true or false; this is a whole number.",
      expect.stringContaining('1.config.node.kind: There is no kind "nope".'),
      "1.config.node.config.expression: The expression is not valid: Unknown variable: itme. There are input, nodes, memory, item, index.",
    ],
  ],
  // What cannot fit.
  ["a missing argument", search({}), ["0.config.arguments.query: Does not fit: must have required property 'query'."]],
  [
    "no arguments",
    [{ key: "s", kind: "tool", config: { tool: "web.search" } }],
    ["0.config.arguments.query: Does not fit: must have required property 'query'."],
  ],
  ["an unknown argument", search({ query: "a", q: 1 }), ["0.config.arguments.q: Does not fit: must NOT have additional properties."]],
  ["a constant of another type", search({ query: 1 }), ["0.config.arguments.query: Does not fit: must be string."]],
  [
    "an expression of another type",
    search({ query: "{{ input.tags }}", limit: "{{ input.topic }}" }),
    ["0.config.arguments.query: Does not fit: must be string.", "0.config.arguments.limit: Does not fit: must be integer."],
  ],
  [
    "a text with expressions in place of a number",
    search({ query: "x", limit: "{{ 1 }}0" }),
    ["0.config.arguments.limit: Does not fit: must be integer."],
  ],
  ["expressions that may fit", search({ query: "{{ input.topic }}", limit: "{{ input.depth }}", site: "{{ input.topic }}" }), []],
  ["arguments that are an expression", search("{{ input }}"), []],
  [
    "the input of a workflow",
    [{ key: "w", kind: "workflow", config: { workflow: { name: "summary" }, input: { txt: "a" } } }],
    [
      "0.config.input.text: Does not fit: must have required property 'text'.",
      "0.config.input.txt: Does not fit: must NOT have additional properties.",
    ],
  ],
];

describe("the problems of a definition", () => {
  it.each(cases)("name %s", async (_, nodes, problems) => {
    expect(await problemsOf(nodes)).toEqual(problems);
  });

  it("are all told at once", async () => {
    const nodes = [t("a", "1 +", { dependsOn: ["x"], when: "'no'", retry: { attempts: 30 }, colour: "red" }), { key: "b", kind: "nope" }];
    const found = await problemsOf(nodes, { inputSchema: { type: "no" }, owner: 1 });
    expect(found.map((line) => line.split(": ")[0])).toEqual([
      "input.owner",
      "0.colour",
      "0.retry.attempts",
      "input.inputSchema",
      "0.dependsOn.0",
      "0.when",
      "0.config.expression",
      "1.kind",
    ]);
  });

  it("are those of a workflow that can be checked in time: one of a thousand nodes can, one of too many expressions is refused", async () => {
    let turns = 0;
    const turning = setInterval(() => turns++, 1);
    const chain = Array.from({ length: 1_000 }, (_, at) => {
      const before = `n${at - 1}`;
      return t(`n${at}`, at === 0 ? "1" : `nodes.${before}.output + 1`, at === 0 ? {} : { dependsOn: [before] });
    });
    expect(await problemsOf(chain)).toEqual([]);
    clearInterval(turning);
    expect(turns).toBeGreaterThan(3);
    const many = Array.from({ length: 5_001 }, () => "{{ 1 }}");
    const branches = Array.from({ length: 51 }, (_, at) => ({
      key: `b${at}`,
      kind: "branch",
      config: { cases: Array.from({ length: 100 }, () => ({ when: "true", to: "z" })) },
    }));
    const inner = { kind: "agent", config: { agent: "writer", input: many.slice(0, 95) } };
    const twice = Array.from({ length: 26 }, (_, at) => [
      { key: `l${at}`, kind: "loop", when: "true", config: { while: "index < 1", max: 1, node: inner } },
      { key: `m${at}`, kind: "map", when: "true", config: { over: "input.tags", node: inner } },
    ]).flat();
    for (const nodes of [
      [{ key: "a", kind: "agent", config: { agent: "writer", input: many } }],
      [...branches, t("z", "1", { dependsOn: branches.map(({ key }) => key) })],
      // Only with the conditions and the lists there are more.
      [...twice, t("z")],
    ])
      expect(await problemsOf(nodes)).toEqual(["input: A workflow has at most 5000 expressions."]);
    const unknown = Array.from({ length: 500 }, (_, at) =>
      t(`quite_a_long_name_${at}`, "1", { dependsOn: Array.from({ length: 40 }, (__, other) => `quite_a_long_nome_${at}${other}`) }),
    );
    expect(await problemsOf(unknown)).toHaveLength(1_001);
  });
});
