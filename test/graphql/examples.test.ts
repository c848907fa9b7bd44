import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPlatform, type Platform } from "../../src/core/platform.ts";
import { madeThread } from "../../src/core/graphql/graphiql-page.ts";
import { exampleTabs, type ExampleTab } from "../../src/core/graphql/graphiql-examples.ts";
import { agents, auth, capabilities, chat, models, openai, simulated } from "../../src/plugins/index.ts";
import { ada } from "./fixture.ts";

describe("the tabs with which GraphiQL opens", () => {
  let folder: string;
  let platform: Platform;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "weftline-examples-"));
    const plugins = [auth(), models(), simulated(), capabilities(), openai(), agents(), chat()];
    platform = await createPlatform({ plugins, dataDir: folder, logLevel: "silent" }, { migrate: "automatic" });
  });
  afterAll(async () => {
    await platform.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const operation = ({ query, variables = "{}" }: ExampleTab, thread = "") => ({
    query,
    variables: JSON.parse(variables.replaceAll(madeThread, thread)) as Record<string, unknown>,
    viewer: ada,
  });

  it("lead from an empty server to an answer", async () => {
    const [server, templates, createAgent, createThread, send, watch] = exampleTabs.map(
      (tab) => (thread?: string) => operation(tab, thread),
    );
    if (!server || !templates || !createAgent || !createThread || !send || !watch) throw new Error("A tab is missing.");
    expect(await platform.execute(server())).toMatchObject({ data: { viewer: { name: "Ada" } } });
    const found = await platform.execute<{ agentTemplates: { name: string }[] }>(templates());
    expect(found.data?.agentTemplates.map(({ name }) => name)).toContain("assistant");
    expect(await platform.execute(createAgent())).toMatchObject({
      data: { createAgentFromTemplate: { __typename: "CreateAgentFromTemplatePayload", agent: { status: "ACTIVE" } } },
    });
    const opened = await platform.execute<{ createThread: { thread: { id: string } } }>(createThread());
    const thread = opened.data?.createThread.thread.id;
    expect(thread).toBeDefined();
    expect(await platform.execute(send(thread))).toMatchObject({ data: { sendMessage: { __typename: "SendMessagePayload" } } });
    const events = await platform.subscribe<{ threadEvents: { __typename: string; messageStatus?: string; text?: string } }>(watch(thread));
    if (!(Symbol.asyncIterator in events)) throw new Error(JSON.stringify(events));
    for await (const { data, errors } of events) {
      expect(errors).toBeUndefined();
      if (data?.threadEvents.__typename !== "MessageFinishedEvent") continue;
      expect(data.threadEvents).toMatchObject({ messageStatus: "COMPLETE" });
      break;
    }
  });
});
