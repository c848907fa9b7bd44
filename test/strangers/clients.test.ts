import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { gql, type ApolloClient } from "@apollo/client";
import type { Client as Urql } from "@urql/core";
import type { GraphQLClient } from "graphql-request";
import type { Client as Sse } from "graphql-sse";
import type { Client as Socket } from "graphql-ws";
import { afterAll, describe, expect, inject, it } from "vitest";
import type { WeftlineClient } from "../../src/client/index.ts";
import { answers, openLine, operations, tellStory, type StoryEvent } from "./story.ts";
import { recipes, type Recipes } from "./recipes.ts";
import { watchWithCurl } from "./curl.ts";

const run = promisify(execFile);
const direct = recipes(inject("url"));
const open = new Set<() => void>([() => direct.remove()]);
afterAll(() => {
  for (const close of open) close();
});

interface Watching {
  watch(run: string, show: (event: StoryEvent) => void): Promise<void>;
}

/** Follows a run by a recipe, through a line that is cut in the middle. */
async function watchAcrossACut(name: string, how: "reset" | "end", watching?: (recipe: Recipes) => Watching): Promise<void> {
  const line = await openLine();
  open.add(() => line.close());
  const own = recipes(line.url);
  open.add(() => own.remove());
  const story = await tellStory(line, how);
  const { watch } = watching?.(own) ?? (await own.load<Watching>(name));
  await watch(story.run, story.show);
  await story.expectWhole();
}

describe.concurrent("weftline/client", () => {
  it("asks, is refused with data, and follows a run across a cut", async () => {
    const { client } = await direct.load<{ client: WeftlineClient }>("weftline-client.ts");
    expect(await client.request(operations.query)).toEqual(answers.query);
    expect(await client.request(operations.mutation, operations.variables)).toEqual(answers.mutation);
    await watchAcrossACut("weftline-client.ts", "end");
  });
});

describe.concurrent("graphql-ws", () => {
  it("asks, is refused with data, and follows a run across a cut", async () => {
    const { socket } = await direct.load<{ socket: Socket }>("graphql-ws.ts");
    open.add(() => void socket.dispose());
    const ask = async (query: string, variables: Record<string, unknown> = {}): Promise<unknown> =>
      (await socket.iterate({ query, variables }).next()).value;
    expect(await ask(operations.query)).toEqual({ data: answers.query });
    expect(await ask(operations.mutation, operations.variables)).toEqual({ data: answers.mutation });
    await watchAcrossACut("graphql-ws.ts", "reset");
  });
});

describe.concurrent("Apollo Client", () => {
  it("asks, is refused with data, and follows a run across a cut", async () => {
    const { apollo } = await direct.load<{ apollo: ApolloClient }>("apollo.ts");
    const asked = await apollo.query({ query: gql(operations.query) });
    expect([asked.data, asked.error]).toEqual([{ viewer: { __typename: "Viewer", ...answers.query.viewer } }, undefined]);
    const refused = await apollo.mutate({ mutation: gql(operations.mutation), variables: operations.variables });
    expect([refused.data, refused.error]).toEqual([answers.mutation, undefined]);
    await watchAcrossACut("apollo.ts", "end");
  });
});

describe.concurrent("urql", () => {
  it.for(["urql.ts", "urql-sse.ts"])("asks, is refused with data, and follows a run across a cut: %s", async (name) => {
    const { urql } = await direct.load<{ urql: Urql }>(name);
    const asked = await urql.query(operations.query, {}).toPromise();
    expect([asked.data, asked.error]).toEqual([{ viewer: { __typename: "Viewer", ...answers.query.viewer } }, undefined]);
    const refused = await urql.mutation(operations.mutation, operations.variables).toPromise();
    expect([refused.data, refused.error]).toEqual([answers.mutation, undefined]);
    await watchAcrossACut(name, name === "urql.ts" ? "reset" : "end");
  });
});

describe.concurrent("graphql-sse in distinct connections", () => {
  it("asks, is refused with data, and follows a run across a cut", async () => {
    const { sse } = await direct.load<{ sse: Sse }>("graphql-sse.ts");
    const ask = async (query: string, variables: Record<string, unknown> = {}): Promise<unknown> =>
      (await sse.iterate({ query, variables }).next()).value;
    expect(await ask(operations.query)).toEqual({ data: answers.query });
    expect(await ask(operations.mutation, operations.variables)).toEqual({ data: answers.mutation });
    await watchAcrossACut("graphql-sse.ts", "reset");
  });
});

describe.concurrent("graphql-request", () => {
  it("asks and is refused with data; it has no subscriptions", async () => {
    const { requests } = await direct.load<{ requests: GraphQLClient }>("graphql-request.ts");
    expect(await requests.request(operations.query)).toEqual(answers.query);
    expect(await requests.request(operations.mutation, operations.variables)).toEqual(answers.mutation);
    expect("subscribe" in requests).toBe(false);
  });
});

describe.concurrent("curl", () => {
  it("asks, is refused with data, and follows a run across a cut", async () => {
    const asked = await run("bash", [join(direct.folder, "ask.sh")]);
    expect(JSON.parse(asked.stdout)).toEqual({ data: answers.query });
    const body = JSON.stringify({ query: operations.mutation, variables: operations.variables });
    const refused = await run("curl", ["-sS", inject("url"), "-H", "content-type: application/json", "-d", body]);
    expect(JSON.parse(refused.stdout)).toEqual({ data: answers.mutation });
    await watchAcrossACut("watch.sh", "end", ({ folder }) => ({ watch: (id, show) => watchWithCurl(join(folder, "watch.sh"), id, show) }));
  });
});
