import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { beginStream, plainAnswers, providerServer } from "../../src/testing/provider-server.ts";
import { receiver } from "../plugins/otel/receiver.ts";
import { ask, killTree, spawnCli, urlOf } from "./server.ts";
import { newFolder, root, writeConfig } from "./terminal.ts";

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

it("a run whose process is killed in the middle of a model call has one trace, with the call that was lost and the one that came after it", async () => {
  const folder = newFolder();
  let asked = 0;
  await using collector = await receiver();
  await using provider = await providerServer((response) => {
    const { begin, text, end, done } = plainAnswers.chat;
    beginStream(response);
    if (++asked === 1) response.write(begin + text("Half of it"));
    else response.end(begin + text("All of it.") + end + done);
  });
  writeConfig(
    folder,
    `await (async () => {
      const { agents, capabilities, models, openai, otel } = await import(${JSON.stringify(join(root, "src/plugins/index.ts"))});
      const lab = { baseURL: ${JSON.stringify(provider.baseURL)}, apiKey: "x", models: ["rat"] };
      const traced = otel({ endpoint: ${JSON.stringify(collector.endpoint)}, gatherMs: 50 });
      return { plugins: [auth(), models({ bindings: { lab }, default: "lab" }), capabilities(), openai(), agents(), traced] };
    })()`,
  );
  let server = spawnCli(["start", "--port", "0"], { cwd: folder });
  try {
    const url = await urlOf(server);
    await ask(url, `mutation { createAgent(input: { name: "Asker", framework: "openai" }) { __typename } }`);
    const query = `mutation { startRun(input: { target: { agent: { name: "Asker" } }, text: "How?" }) { __typename } }`;
    const headers = { "content-type": "application/json", traceparent };
    await fetch(url, { method: "POST", headers, body: JSON.stringify({ query }) });
    await vi.waitFor(() => expect(asked).toBe(1), 20_000);
    // What was said so far has to be in the log.
    await vi.waitFor(
      async () =>
        expect(JSON.stringify(await ask(url, "{ runs(first: 1) { nodes { status text steps { nodes { status } } } } }"))).toContain(
          "RUNNING",
        ),
      20_000,
    );
    await killTree(server);
    expect(collector.spans).toEqual([]);
    server = spawnCli(["start", "--port", "0"], { cwd: folder });
    await urlOf(server);
    await vi.waitFor(() => expect(collector.spans).toHaveLength(3), 30_000);
    const { spans } = collector;
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([traceparent.slice(3, 35)]));
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(3);
    const run = spans.find(({ name }) => name === "invoke_agent Asker");
    expect(run).toMatchObject({
      parentId: traceparent.slice(36, 52),
      attributes: { "weftline.status": "SUCCEEDED", "weftline.provenance": "LIVE" },
    });
    const [lost, made] = spans.filter(({ name }) => name === "chat rat").toSorted((a, b) => a.startedAt - b.startedAt);
    expect([lost?.attributes["weftline.status"], made?.attributes["weftline.status"]]).toEqual(["FAILED", "SUCCEEDED"]);
    expect([lost?.parentId, made?.parentId]).toEqual([run?.spanId, run?.spanId]);
  } finally {
    await killTree(server);
    rmSync(folder, { recursive: true });
  }
}, 90_000);
