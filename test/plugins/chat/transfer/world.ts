import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Viewer } from "#weftline";
import { agents, capabilities, chat, files, models, openai, simulated } from "../../../../src/plugins/index.ts";
import { fakeRuntime, sayText, testPlatform, testViewer, type TestPlatform } from "../../../../src/testing/index.ts";
import { weftline, type Ran } from "../../../cli/terminal.ts";

export const ada = testViewer("ada", { roles: ["admin"] });
export const eve = testViewer("eve", { tenantId: "elsewhere", roles: ["admin"] });
export const bob = testViewer("bob");

/** A platform with an agent `weaver`, and what a person at a terminal does with it. */
export interface World {
  readonly app: TestPlatform;
  readonly folder: string;
  as(viewer: Viewer, ...args: string[]): Promise<Ran>;
  write(content: string | Uint8Array, name?: string): string;
  read(id: string, viewer?: Viewer): Promise<ShownThread | null>;
  totals(): Promise<number>;
  close(): Promise<void>;
}

export async function openWorld(): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), "weftline-transfer-"));
  const app = await testPlatform({
    plugins: [
      models(),
      simulated({ tokensPerSecond: 0 }),
      capabilities(),
      agents(),
      chat(),
      openai(),
      files(),
      fakeRuntime({ id: "fake", turn: () => sayText("An answer."), features: { files: true } }),
    ],
    viewers: [ada, bob, eve],
  });
  await app.graphql('mutation { createAgent(input: { name: "weaver", framework: "fake" }) { __typename } }', {}, ada);
  let written = 0;
  return {
    app,
    folder,
    as: (viewer, ...args) => weftline(...args, "--url", app.url ?? "", "--token", viewer.actorId),
    write: (content, name = "document.json") => {
      const file = join(folder, `${written++}-${name}`);
      writeFileSync(file, content);
      return file;
    },
    read: async (id, viewer = ada) => (await app.graphql<{ thread: ShownThread | null }>(threadQuery, { id }, viewer)).thread,
    totals: async () =>
      (await app.graphql<{ threads: { totalCount: number } }>("{ threads(archived: null) { totalCount } }", {}, ada)).threads.totalCount,
    close: async () => {
      await app.close();
      rmSync(folder, { recursive: true });
    },
  };
}

const threadQuery = `query ($id: ID!) { thread(id: $id) { title createdAt archived agent { name }
  messages(first: 100, superseded: true) { nodes { id role text createdAt provenance supersededBy { id }
    parts { type: __typename ... on DataPart { name data } ... on FilePart { fileName: name file { url } } } } } } }`;

export interface ShownThread {
  readonly title: string | null;
  readonly createdAt: string;
  readonly archived: boolean;
  readonly agent: { readonly name: string } | null;
  readonly messages: { readonly nodes: readonly ShownMessage[] };
}

export interface ShownMessage {
  readonly id: string;
  readonly role: string;
  readonly text: string;
  readonly createdAt: string;
  readonly provenance: string | null;
  readonly supersededBy: { readonly id: string } | null;
  readonly parts: readonly ShownPart[];
}

export interface ShownPart {
  readonly type: string;
  readonly name?: string;
  readonly data?: unknown;
  readonly fileName?: string;
  readonly file?: { readonly url: string } | null;
}
