import { expect } from "vitest";
import type { PluginEntry, PluginList } from "../../../src/core/kernel/spec.ts";
import type { Viewer } from "../../../src/core/index.ts";
import { agents, capabilities, chat, health, memory, models, openai, retention, simulated, workflows } from "../../../src/plugins/index.ts";
import { testPlatform, testViewer, type TestPlatform } from "../../../src/testing/index.ts";

export const ada = testViewer("ada");
export const bob = testViewer("bob");
export const eve = testViewer("eve", { tenantId: "elsewhere" });
export const admin = testViewer("boss", { roles: ["admin"] });

export interface RecordData {
  readonly id: string;
  readonly scope: string;
  readonly scopeId: string | null;
  readonly text: string;
  readonly metadata: unknown;
  readonly embedder: string | null;
  readonly owner: { readonly id: string };
  readonly sourceRun: { readonly id: string } | null;
  readonly supersededBy: { readonly id: string } | null;
  readonly expiresAt: string | null;
}

export interface Outcome {
  readonly __typename: string;
  readonly code?: string;
  readonly record?: RecordData;
  readonly deletedRecordId?: string;
  readonly count?: number;
  readonly issues?: readonly { readonly path: readonly string[] }[];
}

export interface Hit {
  readonly score: number;
  readonly similarity: number | null;
  readonly matchedBy: readonly string[];
  readonly record: RecordData;
}

const record = "id scope scopeId text metadata embedder owner { id } sourceRun { id } supersededBy { id } expiresAt";
const failure = "... on UserError { code message path } ... on InvalidInputError { issues { path message } }";

/** A platform with a memory and what it is used by. */
export async function remembering(own: PluginEntry = memory(), more: PluginList = [], dataDir?: string) {
  const app = await testPlatform({
    ...(dataDir === undefined ? {} : { dataDir }),
    plugins: [
      health(),
      models({ bindings: {} }),
      simulated({ tokensPerSecond: 0 }),
      capabilities(),
      openai(),
      agents(),
      chat(),
      workflows(),
      retention(),
      own,
      more,
    ],
    viewers: [ada, bob, eve, admin],
  });
  return { app, ...verbs(app), [Symbol.asyncDispose]: () => app.close() };
}

export type Remembering = Awaited<ReturnType<typeof remembering>>;

function verbs(app: TestPlatform) {
  const mutate = async (field: string, declared: string, args: string, variables: object, viewer: Viewer): Promise<Outcome> => {
    const fields = field === "forget" ? "deletedRecordId" : field === "forgetAll" ? "count" : `record { ${record} }`;
    const payload = `${field.charAt(0).toUpperCase()}${field.slice(1)}Payload`;
    const query = `mutation (${declared}) { result: ${field}(${args}) { __typename ... on ${payload} { ${fields} } ${failure} } }`;
    return (await app.graphql<{ result: Outcome }>(query, variables as never, viewer)).result;
  };
  const remember = (text: string, scope: object = { scope: "USER" }, more: object = {}, viewer: Viewer = ada): Promise<Outcome> =>
    mutate("remember", "$input: RememberInput!", "input: $input", { input: { text, scope, ...more } }, viewer);
  return {
    remember,
    /** Remembers what has to be there. @returns the record. */
    keep: async (text: string, scope?: object, more?: object, viewer?: Viewer): Promise<RecordData> => {
      const outcome = await remember(text, scope, more, viewer);
      expect(outcome).toMatchObject({ __typename: "RememberPayload" });
      return outcome.record as RecordData;
    },
    update: (id: string, change: object, viewer: Viewer = ada): Promise<Outcome> =>
      mutate(
        "updateMemory",
        "$record: ID!, $text: String, $metadata: JSON",
        "record: $record, text: $text, metadata: $metadata",
        { record: id, ...change },
        viewer,
      ),
    forget: (id: string, viewer: Viewer = ada) => mutate("forget", "$record: ID!", "record: $record", { record: id }, viewer),
    forgetAll: (scope: object, viewer: Viewer = ada) =>
      mutate("forgetAll", "$scope: MemoryScopeInput!", "scope: $scope", { scope }, viewer),
    list: async (scope?: object, viewer: Viewer = ada): Promise<readonly RecordData[] | undefined> => {
      const query = `query ($scope: MemoryScopeInput) { memories(scope: $scope, first: 100) { nodes { ${record} } } }`;
      return (await app.graphql<{ memories: { nodes: RecordData[] } | null }>(query, { scope: scope ?? null }, viewer)).memories?.nodes;
    },
    search: async (query: string, more: object = {}, viewer: Viewer = ada): Promise<readonly Hit[] | null> => {
      const input = { query, scopes: [{ scope: "USER" }], ...more };
      const text = `query ($input: SearchMemoryInput!) { searchMemory(input: $input) { score similarity matchedBy record { ${record} } } }`;
      return (await app.graphql<{ searchMemory: Hit[] | null }>(text, { input }, viewer)).searchMemory;
    },
    node: async (id: string, viewer: Viewer = ada): Promise<RecordData | null> =>
      (
        await app.graphql<{ node: RecordData | null }>(
          `query ($id: ID!) { node(id: $id) { ... on MemoryRecord { ${record} } } }`,
          { id },
          viewer,
        )
      ).node,
  };
}

/** A part of the health as the graph tells it. */
export async function componentOf(
  app: TestPlatform,
  name: string,
): Promise<{ readonly name: string; readonly status: string; readonly detail: string | null } | undefined> {
  const query = "{ health { components { name status detail } } }";
  const { health: told } = await app.graphql<{ health: { components: { name: string; status: string; detail: string | null }[] } }>(
    query,
    {},
    admin,
  );
  return told.components.find((part) => part.name === name);
}
