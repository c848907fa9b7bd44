import { inject, expect } from "vitest";
import { openProxy, type Proxy } from "../faults/proxy.ts";

/** What every client asks. */
export const operations = {
  query: "query Viewer { viewer { name } }",
  /** Refused: an expected failure, which is data. */
  mutation: `mutation Open($agent: String!) {
    createThread(input: { agent: { name: $agent } }) {
      __typename
      ... on CreateThreadPayload { thread { id } }
      ... on UserError { code message path }
    }
  }`,
  variables: { agent: "Nobody by this name" },
} as const;

/** What every client is answered. */
export const answers = {
  query: { viewer: { name: "Local user" } },
  mutation: { createThread: { __typename: "NotFoundError", code: "NOT_FOUND", message: expect.any(String), path: ["input", "agent"] } },
} as const;

/** Asks the graph, outside of any client. */
export async function ask<Data>(url: string, query: string, variables: object = {}): Promise<Data> {
  const body = JSON.stringify({ query, variables });
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  const { data, errors } = (await response.json()) as { data: Data; errors?: readonly object[] };
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

/** @returns the id of a new thread. */
export async function makeThread(url: string): Promise<string> {
  const made = await ask<{ createThread: { thread: { id: string } } }>(
    url,
    "mutation { createThread(input: {}) { ... on CreateThreadPayload { thread { id } } } }",
  );
  return made.createThread.thread.id;
}

/** Changes a thread, which its followers are told. */
export async function renameThread(url: string, thread: string): Promise<void> {
  const mutation = `mutation ($thread: ID!) { updateThread(input: { thread: $thread, title: "Renamed" }) { __typename } }`;
  expect(await ask(url, mutation, { thread })).toEqual({ updateThread: { __typename: "UpdateThreadPayload" } });
}

/** An event as the recipes select it. */
export interface StoryEvent {
  readonly __typename: string;
  readonly seq: number;
  readonly type: string;
  readonly text?: string;
  readonly channel?: string;
}

/** A run that is watched through a line which is cut while the words come. */
export interface Story {
  readonly run: string;
  /** What a client shows; the fourth piece of text cuts the line. */
  show(event: StoryEvent): void;
  /** Whether the client saw everything once, in order, and the words byte for byte, although its line was cut in the middle. */
  expectWhole(): Promise<void>;
}

/** A way to the shared server that can be cut. */
export const openLine = (): Promise<Proxy> => openProxy(inject("url"), Math.random);

/** Starts a run that talks for some seconds. */
export async function tellStory(line: Proxy, how: "reset" | "end"): Promise<Story> {
  const url = inject("url");
  const { startRun } = await ask<{ startRun: { run: { id: string } } }>(
    url,
    `mutation ($agent: ID!) { startRun(input: { target: { agent: { id: $agent } }, text: "Write 200 words about rivers." }) { ... on StartRunPayload { run { id } } ... on UserError { message } } }`,
    { agent: await makeAgent(url) },
  );
  const run = startRun.run.id;
  const seen: StoryEvent[] = [];
  const words = (): string[] => seen.flatMap(({ channel, text = "" }) => (channel === "TEXT" ? [text] : []));
  let cut: { readonly at: number; readonly connections: number } | undefined;
  return {
    run,
    show: (event) => {
      seen.push(event);
      if (cut || words().length < 4) return;
      cut = { at: event.seq, connections: line.connections };
      if (line.cutAll(how) === 0) throw new Error("There was no line to cut.");
    },
    expectWhole: async () => {
      const { run: shown } = await ask<{ run: { text: string } }>(url, "query ($run: ID!) { run(id: $run) { text } }", { run });
      expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, index) => index + 1));
      expect(words().join("")).toBe(shown.text);
      expect(shown.text.split(" ").length).toBeGreaterThan(150);
      expect(seen.at(-1)).toMatchObject({ __typename: "RunStatusEvent", type: "run.finished" });
      expect(line.connections).toBeGreaterThan(cut?.connections ?? Infinity);
      expect(seen.length).toBeGreaterThan((cut?.at ?? Infinity) + 20);
    },
  };
}

let agents = 0;

/** A new agent of the template that ships. */
async function makeAgent(url: string): Promise<string> {
  const made = await ask<{ createAgentFromTemplate: { agent: { id: string } } }>(
    url,
    `mutation ($name: String!) { createAgentFromTemplate(input: { template: "assistant", name: $name }) { ... on CreateAgentFromTemplatePayload { agent { id } } ... on UserError { message } } }`,
    { name: `Teller ${process.pid} ${++agents}` },
  );
  return made.createAgentFromTemplate.agent.id;
}
