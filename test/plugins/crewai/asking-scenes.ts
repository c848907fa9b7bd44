import type { Asked, Said } from "./model.ts";
import { agents, handsOn, input, research, researcher, write, writer, type Scene } from "./scenes.ts";

const sender = { ...writer, tools: ["test.send"] };
const text = "Go.";

/** Calls the tool once, and then says what came of it. */
const callsOnce =
  (tool: RegExp, given = "letter") =>
  ({ results, tools }: Asked): Said =>
    results.length > 0
      ? `It went: ${results.join(" and ")}`
      : { calls: [{ name: tools.find((name) => tool.test(name)) ?? "", arguments: { text: given } }] };

const sends = callsOnce(/send/);
const reviewed = { agents: { writer }, tasks: [{ ...write, human_input: true }] };
const approved = { agents: { writer: sender }, tasks: [write] };

/** Crews in which a person is asked: about outputs, and about calls. */
export const askingScenes: readonly Scene[] = [
  {
    name: "an output that a person takes",
    crew: reviewed,
    input: { text },
    model: () => "A report.",
    decisions: [{ kind: "APPROVE" }],
    ends: { text: "A report." },
  },
  {
    name: "an output that a person takes at the second try",
    crew: reviewed,
    input: { text },
    model: ({ last }) => (last.includes("shorter") ? "Short." : "A long report."),
    decisions: [{ kind: "REJECT", reason: "Make it shorter." }, { kind: "APPROVE" }],
    ends: { text: "Short." },
  },
  {
    name: "an output that a person writes anew, for the task after it",
    crew: { agents, tasks: [{ ...research, human_input: true }, write] },
    input,
    model: ({ role, prompt }) => (role === "Researcher" ? "Facts." : `Report: ${prompt.includes("Better facts")}`),
    decisions: [{ kind: "EDIT", arguments: { output: "Better facts." } }],
    ends: { text: "Report: true" },
  },
  {
    name: "an output that a person takes, and a guardrail does not",
    crew: { agents: { writer }, tasks: [{ ...write, human_input: true, guardrail: "It names a number." }] },
    input: { text },
    model: ({ role, prompt }) => {
      if (role !== "Guardrail Agent") return prompt.includes("There is no number") ? "There are 7 looms." : "There are looms.";
      return prompt.includes("7") ? '{"valid":true,"feedback":null}' : '{"valid":false,"feedback":"There is no number in it."}';
    },
    decisions: [{ kind: "APPROVE" }, { kind: "APPROVE" }],
    ends: { text: "There are 7 looms." },
  },
  {
    name: "a call that a person allows",
    crew: approved,
    input: { text },
    model: sends,
    decisions: [{ kind: "APPROVE" }],
    ends: { text: 'It went: {"sent":"letter"}' },
  },
  {
    name: "a call that a person refuses",
    crew: approved,
    input: { text },
    model: ({ results, ...asked }) =>
      results.length > 0 ? `Refused: ${results[0]?.includes("Not today.")}` : sends({ results, ...asked }),
    decisions: [{ kind: "REJECT", reason: "Not today." }],
    ends: { text: "Refused: true" },
  },
  {
    name: "a call that a person changes",
    crew: approved,
    input: { text },
    model: sends,
    decisions: [{ kind: "EDIT", arguments: { text: "card" } }],
    ends: {
      text: 'It went: [A person changed the arguments of this call before it was made. It was made with: {"text":"card"}]\n{"sent":"card"}',
    },
  },
  {
    name: "two calls of one answer, one of which a person is asked about",
    crew: { agents: { writer: { ...writer, tools: ["test.look", "test.send"] } }, tasks: [write] },
    input: { text },
    model: ({ results, tools }) =>
      results.length > 0
        ? `Both: ${results.join(" and ")}`
        : { calls: tools.slice(0, 2).map((name) => ({ name, arguments: { text: "looms" } })) },
    decisions: [{ kind: "APPROVE" }],
    ends: { text: 'Both: {"found":"all about looms"} and {"sent":"looms"}' },
  },
  {
    name: "a call that is allowed in a task whose output a person then looks at",
    crew: { agents: { writer: sender }, tasks: [{ ...write, human_input: true }] },
    input: { text },
    model: sends,
    decisions: [{ kind: "APPROVE" }, { kind: "APPROVE" }],
    ends: { text: 'It went: {"sent":"letter"}' },
  },
  {
    name: "a manager who hands work on, in which a person is asked",
    crew: {
      agents: { researcher, writer: sender },
      process: "hierarchical",
      tasks: [{ name: "report", description: "Report on {topic}.", expected_output: "A report." }],
    },
    input,
    model: (asked) => {
      if (asked.role === "Writer") return sends(asked);
      if (asked.results.length > 0) return `The manager says: ${asked.results[0]}`;
      return { calls: [{ name: handsOn(asked), arguments: { task: "Write it.", context: "wool only", coworker: "Writer" } }] };
    },
    decisions: [{ kind: "APPROVE" }],
    ends: { text: 'The manager says: It went: {"sent":"letter"}' },
  },
  {
    name: "an output that a person looks at, of a task beside others",
    crew: {
      agents,
      tasks: [
        { ...research, async_execution: true, human_input: true },
        { ...write, name: "draft", async_execution: true, context: [] },
        { ...write, name: "finish", context: ["research", "draft"] },
      ],
    },
    input,
    model: ({ role, prompt, last }) => {
      if (role === "Researcher") return last.includes("newer") ? "New facts." : "Old facts.";
      return prompt.includes("----------") ? `Both: ${prompt.includes("New facts.")} ${prompt.includes("A draft.")}` : "A draft.";
    },
    decisions: [{ kind: "REJECT", reason: "Find newer ones." }, { kind: "APPROVE" }],
    ends: { text: "Both: true true" },
    differs: "order",
  },
  {
    name: "an agent of little time who waits for a person beside one who takes longer",
    crew: {
      agents: { researcher, writer: { ...sender, max_execution_time: 1 } },
      tasks: [
        { ...research, async_execution: true },
        { ...write, async_execution: true },
        { ...write, name: "finish", agent: "researcher", context: ["research", "write"] },
      ],
    },
    input,
    model: async ({ role, prompt, ...asked }) => {
      if (role === "Writer") return sends({ role, prompt, ...asked });
      if (!prompt.includes("----------")) await new Promise((resolve) => setTimeout(resolve, 1_200));
      return "Facts.";
    },
    decisions: [{ kind: "APPROVE" }],
    ends: { text: "Facts." },
    differs: "order",
  },
  {
    name: "a task that waits for a person beside one that does not",
    crew: {
      agents: { researcher, writer: sender },
      tasks: [
        { ...research, async_execution: true },
        { ...write, async_execution: true },
        { ...write, name: "finish", context: ["research", "write"] },
      ],
    },
    input,
    model: async ({ role, prompt, ...asked }) => {
      if (role === "Researcher") return "Facts.";
      if (prompt.includes("----------")) return `Both: ${prompt.includes("Facts.")} ${prompt.includes("It went")}`;
      // Once somebody waits nothing more begins, and the researcher is to have begun.
      await new Promise((resolve) => setTimeout(resolve, 400));
      return sends({ role, prompt, ...asked });
    },
    decisions: [{ kind: "APPROVE" }],
    ends: { text: "Both: true true" },
    differs: "order",
  },
];
