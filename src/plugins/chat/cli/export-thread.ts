import { WeftlineError, type CliAction, type CliContext } from "#weftline";
import { openOutput, type Output } from "./output.ts";

const threadQuery = `query ($id: ID!) {
  thread(id: $id) { title createdAt archived agent { name } config { metadata } }
}`;

const messagesQuery = `query ($id: ID!, $first: Int!, $after: String) {
  thread(id: $id) {
    messages(first: $first, after: $after, superseded: true) {
      pageInfo { hasNextPage endCursor }
      nodes {
        id role createdAt status provenance agent { name } supersededBy { id }
        parts {
          type: __typename
          ... on TextPart { text }
          ... on ReasoningPart { reasoning: text }
          ... on ToolCallPart { toolName: name callStatus: status arguments result error }
          ... on DataPart { dataName: name data }
          ... on FilePart { fileName: name mediaType size file { id url } }
        }
      }
    }
  }
}`;

interface ShownPart {
  readonly type: string;
  readonly text?: string;
  readonly reasoning?: string;
  readonly toolName?: string;
  readonly callStatus?: string;
  readonly arguments?: unknown;
  readonly result?: unknown;
  readonly error?: string | null;
  readonly dataName?: string;
  readonly data?: unknown;
  readonly fileName?: string;
  readonly mediaType?: string;
  readonly size?: number;
  readonly file?: { readonly id: string; readonly url: string } | null;
}

interface ShownMessage {
  readonly id: string;
  readonly role: string;
  readonly createdAt: string;
  readonly status: string;
  readonly provenance: string | null;
  readonly agent: { readonly name: string } | null;
  readonly supersededBy: { readonly id: string } | null;
  readonly parts: readonly ShownPart[];
}

interface Shown {
  readonly title: string | null;
  readonly createdAt: string;
  readonly archived: boolean;
  readonly agent: { readonly name: string } | null;
  readonly config: { readonly metadata: unknown };
}

interface Page {
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  readonly nodes: readonly ShownMessage[];
}

/** `weftline export thread` */
export const exportThreadCommand: CliAction = {
  description: "write a thread as JSON, with its messages, answers of tools and files",
  arguments: [{ name: "thread", description: "the id of the thread" }],
  options: [
    { flags: "--out <file>", description: "write it to a new file; standard output by default" },
    { flags: "--no-files", description: "leave out what files hold" },
  ],
  needs: "graph",
  run: async (ctx) => {
    const id = String(ctx.arguments["thread"]);
    const { thread } = await ctx.graph.request<{ thread: Shown | null }>(threadQuery, { id });
    if (!thread) throw new WeftlineError("NOT_FOUND", { what: "thread" });
    const output = await openOutput(ctx, ctx.options["out"]);
    try {
      const { messages, files } = await writeThread(ctx, output, { id, thread });
      await output.keep();
      ctx.say(`${ctx.paint("green", "✓")} Exported ${messages} messages and ${files} files.`);
    } finally {
      await output.close();
    }
  },
};

async function writeThread(ctx: CliContext, output: Output, { id, thread }: { readonly id: string; readonly thread: Shown }) {
  const { title, createdAt, archived, agent, config } = thread;
  const head = { format: "weftline-thread", version: 1, exportedAt: new Date().toISOString() };
  await output.write(
    `{\n${fields(head)},\n"thread": ${JSON.stringify({ title, createdAt, archived, agent: agent?.name ?? null, metadata: config.metadata })},\n"messages": [`,
  );
  const files = new Map<string, ShownPart>();
  // What took a message's place follows it, so that its index is not known yet: places come in a first pass that keeps ids alone.
  const places = await placesOf(ctx.graph, id);
  let messages = 0;
  for await (const message of messagesOf(ctx.graph, id)) {
    for (const part of message.parts) if (part.type === "FilePart") files.set(keyOf(part), part);
    await output.write(`${messages++ === 0 ? "" : ","}\n${JSON.stringify(documentMessage(message, places))}`);
  }
  await output.write(`\n],\n"files": {`);
  let written = 0;
  for (const [key, part] of files) {
    const content = ctx.options["files"] === undefined || ctx.options["files"] ? await contentOf(ctx.graph, part) : undefined;
    const { fileName: name, mediaType, size } = part;
    await output.write(
      `${written++ === 0 ? "" : ","}\n${JSON.stringify(key)}: ${JSON.stringify({ name, mediaType, size, ...(content === undefined ? {} : { content }) })}`,
    );
  }
  await output.write("\n}\n}\n");
  return { messages, files: files.size };
}

const fields = (head: object): string =>
  Object.entries(head)
    .map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`)
    .join(",\n");

async function placesOf(graph: CliContext["graph"], id: string): Promise<ReadonlyMap<string, number>> {
  const query = `query ($id: ID!, $first: Int!, $after: String) {
    thread(id: $id) { messages(first: $first, after: $after, superseded: true) { pageInfo { hasNextPage endCursor } nodes { id } } } }`;
  const places = new Map<string, number>();
  for await (const message of pages<{ id: string }>(graph, query, id)) places.set(message.id, places.size);
  return places;
}

const messagesOf = (graph: CliContext["graph"], id: string): AsyncGenerator<ShownMessage> => pages<ShownMessage>(graph, messagesQuery, id);

/** Page by page, in shorter ones where an answer would be too long. */
async function* pages<Node>(graph: CliContext["graph"], query: string, id: string): AsyncGenerator<Node> {
  let [first, after]: [number, string | null] = [50, null];
  for (;;) {
    const page: { readonly pageInfo: Page["pageInfo"]; readonly nodes: readonly Node[] } | undefined = await asked(graph, query, {
      id,
      first,
      after,
    });
    if (!page) {
      first = Math.floor(first / 4);
      continue;
    }
    yield* page.nodes;
    if (!page.pageInfo.hasNextPage) return;
    after = page.pageInfo.endCursor;
  }
}

/** @returns nothing where the page was too long. */
async function asked<Found>(
  graph: CliContext["graph"],
  query: string,
  variables: { readonly id: string; readonly first: number; readonly after: string | null },
) {
  try {
    const { thread } = await graph.request<{ thread: { messages: Found } | null }>(query, variables);
    if (thread) return thread.messages;
  } catch (error) {
    if (variables.first > 4 && (error as { readonly code?: string }).code === "OPERATION_LIMIT") return undefined;
    throw error;
  }
  throw new WeftlineError("NOT_FOUND", { what: "thread" });
}

function documentMessage(
  { id, role, createdAt, status, provenance, agent, supersededBy, parts }: ShownMessage,
  places: ReadonlyMap<string, number>,
) {
  const place = supersededBy ? places.get(supersededBy.id) : undefined;
  return {
    role,
    createdAt,
    // What is being written now is left as it stands.
    status: status === "STREAMING" ? "CANCELLED" : status,
    ...(provenance === null ? {} : { provenance }),
    ...(agent === null ? {} : { agent: agent.name }),
    ...(place === undefined || place <= (places.get(id) ?? 0) ? {} : { supersededBy: place }),
    parts: parts.map(documentPart),
  };
}

function documentPart(part: ShownPart): object {
  const { type, text, reasoning, toolName: name, callStatus: status, arguments: args, result, error, dataName, data } = part;
  if (type === "TextPart") return { type: "text", text };
  if (type === "ReasoningPart") return { type: "reasoning", text: reasoning };
  if (type === "FilePart") return { type: "file", file: keyOf(part) };
  if (type === "DataPart") return { type: "data", name: dataName, data };
  const given = Object.entries({ arguments: args, result, error }).filter(([, value]) => value != null);
  return { type: "toolCall", name, status, ...Object.fromEntries(given) };
}

/** A file that is gone has no id: what it was called stands for it. */
function keyOf({ file, fileName, size }: ShownPart): string {
  return file?.id ?? `${fileName}:${size}`;
}

async function contentOf(graph: CliContext["graph"], { file, fileName }: ShownPart): Promise<string | undefined> {
  if (!file) return undefined;
  const response = await graph.fetch(file.url);
  if (response.status === 404) return undefined;
  if (!response.ok)
    throw new WeftlineError("UNAVAILABLE", {
      what: `The file ${fileName}`,
      reason: `the server answered ${response.status}.`,
      fix: "Try again, or leave files out: --no-files",
    });
  return Buffer.from(await response.arrayBuffer()).toString("base64");
}
