import type { Asked, Said } from "./model.ts";

/** A crew, what its models and a person say, and what has to come of it on every engine. */
export interface Scene {
  readonly name: string;
  readonly crew: object;
  readonly input: { readonly text?: string; readonly input?: object; readonly limits?: object };
  readonly model: (asked: Asked) => Said | Promise<Said>;
  /** Of the person who is asked, one a question. */
  readonly decisions?: readonly object[];
  /** The run's text, or the code of its failure. */
  readonly ends: { readonly text: string } | { readonly failure: string };
  /** What the engines need not have in common: the order of what is done side by side, or the words of a failure. */
  readonly differs?: "order" | "words";
}

export const researcher = { role: "Researcher", goal: "Find out about {topic}", backstory: "You dig deep." };
export const writer = { role: "Writer", goal: "Write well", backstory: "You are terse." };
export const agents = { researcher, writer };
export const research = { name: "research", description: "Research {topic}.", expected_output: "Facts.", agent: "researcher" };
export const write = { name: "write", description: "Write a report.", expected_output: "A report.", agent: "writer" };
export const input = { input: { topic: "looms" } };

/** The name of the tool by which an agent hands work on, or asks. */
export const handsOn = ({ tools }: Asked, by: "delegate" | "ask" = "delegate"): string =>
  tools.find((name) => name.toLowerCase().startsWith(by)) ?? "";

/** Agents answer with their role and how often they were given something. */
const plain = ({ role, prompt }: Asked): string =>
  role === "Researcher" ? `Facts on ${/Research (\w+)/.exec(prompt)?.[1]}.` : `Report: ${/Facts on \w+/.exec(prompt)?.[0] ?? "nothing"}`;

export const plainScenes: readonly Scene[] = [
  {
    name: "a sequential crew, each task building on those before it",
    crew: { agents, tasks: [research, write] },
    input,
    model: plain,
    ends: { text: "Report: Facts on looms" },
  },
  {
    name: "a task that is given nothing of what came before",
    crew: { agents, tasks: [research, { ...write, context: [] }] },
    input,
    model: plain,
    ends: { text: "Report: nothing" },
  },
  {
    name: "an agent that calls a tool",
    crew: { agents: { researcher: { ...researcher, tools: ["test.look"] } }, tasks: [research] },
    input,
    model: ({ results, tools }) =>
      results.length > 0 ? `I found: ${results[0]}` : { calls: [{ name: tools[0] ?? "", arguments: { text: "looms" } }] },
    ends: { text: 'I found: {"found":"all about looms"}' },
  },
  {
    name: "a model that writes arguments that do not fit, and then better ones",
    crew: { agents: { researcher: { ...researcher, tools: ["test.look"] } }, tasks: [research] },
    input,
    model: ({ results, tools }) => {
      if (results.length === 0) return { calls: [{ name: tools[0] ?? "", arguments: { txt: "looms" } }] };
      return results.length === 1 ? { calls: [{ name: tools[0] ?? "", arguments: { text: "looms" } }] } : `In the end: ${results[1]}`;
    },
    ends: { text: 'In the end: {"found":"all about looms"}' },
  },
  {
    name: "a hierarchical crew, whose manager hands work on",
    crew: { agents, process: "hierarchical", tasks: [{ name: "report", description: "Report on {topic}.", expected_output: "A report." }] },
    input,
    model: (asked) => {
      if (asked.role === "Writer") return `The writer wrote${asked.prompt.includes("wool only") ? " about wool" : ""}.`;
      if (asked.results.length > 0) return `The manager says: ${asked.results[0]}`;
      return { calls: [{ name: handsOn(asked), arguments: { task: "Write it.", context: "wool only", coworker: "Writer" } }] };
    },
    ends: { text: "The manager says: The writer wrote about wool." },
  },
  {
    name: "a task whose condition is met, and one whose condition is not",
    crew: {
      agents,
      tasks: [
        research,
        { ...write, name: "extend", type: "ConditionalTask", condition: 'output.contains("looms")' },
        { ...write, name: "shorten", type: "ConditionalTask", condition: "size(outputs.extend) > 1000" },
      ],
    },
    input,
    model: plain,
    ends: { text: "Report: Facts on looms" },
  },
  {
    name: "an output that passes its guardrail at the second try",
    crew: { agents: { writer }, tasks: [{ ...write, guardrail: "It names a number." }] },
    input,
    model: ({ role, prompt }) => {
      if (role !== "Guardrail Agent") return prompt.includes("There is no number") ? "There are 7 looms." : "There are looms.";
      return prompt.includes("7") ? '{"valid":true,"feedback":null}' : '{"valid":false,"feedback":"There is no number in it."}';
    },
    ends: { text: "There are 7 looms." },
  },
  {
    name: "tasks side by side, and one after them that builds on both",
    differs: "order",
    crew: {
      agents,
      tasks: [
        { ...research, async_execution: true },
        { ...write, name: "draft", async_execution: true },
        { ...write, name: "finish", context: ["research", "draft"] },
      ],
    },
    input,
    model: ({ role, prompt }) => {
      if (role === "Researcher") return "Facts.";
      return prompt.includes("----------") ? `Both: ${prompt.includes("Facts.")} ${prompt.includes("A draft")}` : "A draft.";
    },
    ends: { text: "Both: true true" },
  },
];
