import { agents, handsOn, input, research, researcher, write, writer, type Scene } from "./scenes.ts";

const text = "Go.";

/** Crews in which something does not go as it should, and what is handed on. */
export const troubledScenes: readonly Scene[] = [
  {
    name: "an agent that asks a coworker in a sequential crew",
    crew: { agents: { researcher, writer: { ...writer, allow_delegation: true } }, tasks: [write] },
    input,
    model: (asked) => {
      if (asked.role === "Researcher") return "Nine looms.";
      if (asked.results.length > 0) return `Report: ${asked.results[0]}`;
      const question = { question: "How many looms?", context: "All of them.", coworker: "Researcher" };
      return { calls: [{ name: handsOn(asked, "ask"), arguments: question }] };
    },
    ends: { text: "Report: Nine looms." },
  },
  {
    name: "a manager of the crew's own, who hands work on twice",
    crew: {
      agents: { ...agents, boss: { role: "Boss", goal: "Lead", backstory: "Fair." } },
      process: "hierarchical",
      manager_agent: "boss",
      tasks: [{ name: "report", description: "Report on {topic}.", expected_output: "A report." }],
    },
    input,
    model: (asked) => {
      if (asked.role === "Researcher") return "Facts.";
      if (asked.role === "Writer") return "Lines.";
      if (asked.results.length > 1) return `The boss says: ${asked.results.join(" ")}`;
      const coworker = asked.results.length === 0 ? "Researcher" : "Writer";
      return { calls: [{ name: handsOn(asked), arguments: { task: "Do it.", context: "wool", coworker } }] };
    },
    ends: { text: "The boss says: Facts. Lines." },
  },
  {
    name: "a manager who names a coworker that there is not",
    crew: { agents, process: "hierarchical", tasks: [{ name: "report", description: "Report.", expected_output: "A report." }] },
    input,
    model: (asked) => {
      if (asked.results.length > 0) return `Nobody: ${/coworker/i.test(asked.results[0] ?? "")}`;
      return { calls: [{ name: handsOn(asked), arguments: { task: "Write it.", context: "wool", coworker: "Painter" } }] };
    },
    ends: { text: "Nobody: true" },
  },
  {
    name: "a tool that fails",
    crew: { agents: { writer: { ...writer, tools: ["test.break"] } }, tasks: [write] },
    input: { text },
    model: ({ results, tools }) =>
      results.length > 0
        ? `Broken: ${results[0]?.includes("It broke on looms.")}`
        : { calls: [{ name: tools[0] ?? "", arguments: { text: "looms" } }] },
    ends: { text: "Broken: true" },
  },
  {
    name: "a model that calls a tool that there is not",
    crew: { agents: { writer: { ...writer, tools: ["test.look"] } }, tasks: [write] },
    input: { text },
    model: ({ results }) => (results.length > 0 ? "There is none." : { calls: [{ name: "test_fly", arguments: { text: "looms" } }] }),
    ends: { text: "There is none." },
  },
  {
    name: "a task that asks for JSON",
    crew: {
      agents: { writer },
      tasks: [
        {
          ...write,
          output_json: { type: "object", properties: { looms: { type: "integer" } }, required: ["looms"], additionalProperties: false },
        },
      ],
    },
    input: { text },
    model: () => '{"looms":7}',
    ends: { text: '{"looms":7}' },
  },
  {
    name: "an agent that is asked for its answer once it has used up its model calls",
    crew: { agents: { writer: { ...writer, tools: ["test.look"], max_iter: 2 } }, tasks: [write] },
    input: { text },
    model: ({ tools }) => (tools[0] === undefined ? "That is all." : { calls: [{ name: tools[0], arguments: { text: "looms" } }] }),
    ends: { text: "That is all." },
  },
  {
    name: "a guardrail that is never passed",
    crew: { agents: { writer }, tasks: [{ ...write, guardrail: "It is short.", guardrail_max_retries: 1 }] },
    input: { text },
    model: ({ role }) => (role === "Guardrail Agent" ? '{"valid":false,"feedback":"It is too long."}' : "A long text."),
    ends: { failure: "CREW_FAILED" },
    differs: "words",
  },
  {
    name: "two guardrails, the second of which is passed at the second try",
    crew: { agents: { writer }, tasks: [{ ...write, guardrails: ["It names looms.", "It names a number."] }] },
    input: { text },
    model: ({ role, prompt }) => {
      if (role !== "Guardrail Agent") return prompt.includes("There is no number") ? "There are 7 looms." : "There are looms.";
      const wrong = prompt.includes("number") && !prompt.includes("7");
      return JSON.stringify({ valid: !wrong, feedback: wrong ? "There is no number in it." : null });
    },
    ends: { text: "There are 7 looms." },
  },
  {
    name: "a condition that has no answer",
    crew: { agents, tasks: [research, { ...write, condition: "inputs.mood == 'good'" }] },
    input,
    model: () => "Facts.",
    ends: { failure: "CREW_FAILED" },
  },
  {
    name: "an agent that takes longer than it may",
    crew: { agents: { writer: { ...writer, max_execution_time: 1 } }, tasks: [write] },
    input: { text },
    model: () => new Promise(() => undefined),
    ends: { failure: "CREW_FAILED" },
  },
  {
    name: "a model that answers with nothing",
    crew: { agents: { writer }, tasks: [write] },
    input: { text },
    model: () => " ",
    ends: { failure: "PROVIDER_FAILED" },
  },
  {
    name: "a run that may ask no more models",
    crew: { agents, tasks: [research, write] },
    input: { ...input, limits: { maxSteps: 1 } },
    model: () => "Facts.",
    ends: { failure: "RUN_LIMIT" },
  },
];
