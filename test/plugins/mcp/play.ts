import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler } from "@modelcontextprotocol/server";
import type { TestPlatform } from "../../../src/testing/index.ts";
import { toolbox } from "./toolbox.ts";

/** The toolbox as a program. */
export const program = {
  command: process.execPath,
  args: [new URL("stdio-server.ts", import.meta.url).pathname],
};

/** The toolbox behind an address, with what it heard. */
export interface HttpToolbox extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly heard: unknown[];
  readonly headers: IncomingHttpHeaders[];
  /** It has this tool from now on, and says so. */
  add(name: string): void;
}

export async function httpToolbox(port = 0): Promise<HttpToolbox> {
  const heard: unknown[] = [];
  const headers: IncomingHttpHeaders[] = [];
  const extra: string[] = [];
  const handler = createMcpHandler(() => toolbox(heard, extra));
  const answer = toNodeHandler(handler);
  const server = createServer((request, response) => {
    headers.push(request.headers);
    if (request.headers.authorization !== "Bearer open-sesame") return void response.writeHead(401).end();
    return void answer(request as Parameters<typeof answer>[0], response);
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${bound}/mcp`,
    port: bound,
    heard,
    headers,
    add: (name) => {
      extra.push(name);
      handler.notify.toolsChanged();
    },
    [Symbol.asyncDispose]: async () => {
      await handler.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What the graph shows of a tool. */
export interface SeenTool {
  readonly name: string;
  readonly plugin: string;
  readonly description: string;
  readonly sideEffects: string;
  readonly approval: string;
  readonly idempotent: boolean;
  readonly outputSchema: unknown;
}

export async function toolsOf(app: TestPlatform, source: string): Promise<ReadonlyMap<string, SeenTool>> {
  const { capabilities: all } = await app.graphql<{ capabilities: { nodes: SeenTool[] } }>(
    `query ($search: String!) { capabilities(search: $search, first: 100) { nodes {
      name plugin description ... on Tool { sideEffects approval idempotent outputSchema }
    } } }`,
    { search: `${source}.` },
  );
  return new Map(all.nodes.map((tool) => [tool.name, tool]));
}

/** Asks until the answer fits. */
export async function until<T>(ask: () => Promise<T>, fits: (answer: T) => boolean): Promise<T> {
  for (const deadline = Date.now() + 60_000; ; await sleep(20)) {
    const answer = await ask();
    if (fits(answer) || Date.now() > deadline) return answer;
  }
}

export async function healthOf(app: TestPlatform, name: string): Promise<{ readonly status: string; readonly detail: string | null }> {
  const { health } = await app.graphql<{ health: { components: { name: string; status: string; detail: string | null }[] } }>(
    "{ health { components { name status detail } } }",
  );
  const { status = "NONE", detail = null } = health.components.find((each) => each.name === name) ?? {};
  return { status, detail };
}
