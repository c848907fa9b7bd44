import { describe, expect, it, vi } from "vitest";
import { definePlugin } from "#weftline";
import { agents } from "../../../src/plugins/agents/index.ts";
import { auth } from "../../../src/plugins/auth/index.ts";
import { capabilities } from "../../../src/plugins/capabilities/index.ts";
import { metricSources } from "../../../src/plugins/metrics/contract.ts";
import { metrics } from "../../../src/plugins/metrics/index.ts";
import { models } from "../../../src/plugins/models/index.ts";
import { openai } from "../../../src/plugins/openai/index.ts";
import { collect, fakeRuntime, scriptModel, testPlatform, testViewer, type TestPlatform } from "../../../src/testing/index.ts";

const scraper = { ...testViewer("scraper"), roles: ["metrics"] };
const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

/** The values of a scrape, by series as they stand there. */
async function scrape(app: TestPlatform, token = "scraper"): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(new URL("/metrics", app.url), as(token));
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
  const lines = (await response.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]));
}

async function run(app: TestPlatform, agent: string, text: string): Promise<string> {
  const start = `mutation ($agent: String!, $text: String!) { startRun(input: { target: { agent: { name: $agent } }, text: $text }) { ... on StartRunPayload { run { id } } } }`;
  const { startRun } = await app.graphql<{ startRun: { run: { id: string } } }>(start, { agent, text }, scraper);
  const query = "query ($id: ID!) { run(id: $id) { status } }";
  return vi.waitFor(async () => {
    const { status } = (await app.graphql<{ run: { status: string } }>(query, { id: startRun.run.id }, scraper)).run;
    expect(["SUCCEEDED", "FAILED", "CANCELLED"]).toContain(status);
    return status;
  }, 30_000);
}

const create = (app: TestPlatform, input: string): Promise<unknown> =>
  app.graphql(`mutation { createAgent(input: { ${input} }) { __typename } }`, {}, scraper);

describe("metrics", () => {
  it("tell of runs, their calls of models and tools, and their tokens", async () => {
    const model = scriptModel([
      { match: "sum", toolCalls: [{ name: "math.evaluate", arguments: { expression: "1 + 1" } }] },
      { match: "fail", fail: { status: 400, message: "No." } },
      { reply: "Two." },
    ]);
    const plugins = [metrics(), models({ default: "script", bindings: {} }), model, capabilities(), agents(), openai()];
    await using app = await testPlatform({ plugins, viewers: [scraper] });
    await create(app, 'name: "calc", framework: "openai", capabilities: ["math.evaluate"]');
    expect(await run(app, "calc", "sum")).toBe("SUCCEEDED");
    expect(await run(app, "calc", "fail")).toBe("FAILED");
    const values = await scrape(app);
    expect(values.get("weftline_runs_queued_total")).toBe(2);
    expect(values.get('weftline_runs_ended_total{status="SUCCEEDED",framework="openai",provenance="SIMULATED"}')).toBe(1);
    expect([...values].filter(([name]) => name.startsWith('weftline_runs_ended_total{status="FAILED"')).map(([, value]) => value)).toEqual([
      1,
    ]);
    expect(values.get('weftline_run_seconds_count{status="SUCCEEDED"}')).toBe(1);
    expect(values.get('weftline_run_seconds_bucket{status="SUCCEEDED",le="+Inf"}')).toBe(1);
    expect(values.get('weftline_model_calls_total{provider="script",model="default",status="SUCCEEDED"}')).toBe(2);
    expect(values.get('weftline_model_calls_total{provider="script",model="default",status="FAILED"}')).toBe(1);
    expect(values.get('weftline_model_tokens_total{provider="script",model="default",kind="input"}')).toBeGreaterThan(0);
    expect(values.get('weftline_model_call_seconds_count{provider="script",model="default"}')).toBe(3);
    expect(values.get('weftline_tool_calls_total{tool="math.evaluate",status="SUCCESS"}')).toBe(1);
    expect(values.get('weftline_tool_call_seconds_count{tool="math.evaluate"}')).toBe(1);
    expect(values.get("weftline_run_claims_total")).toBeGreaterThanOrEqual(2);
    expect(values.get("weftline_runs_due")).toBe(0);
    expect(values.get("weftline_log_events_total")).toBeGreaterThan(10);
    expect(values.get("weftline_log_group_events_count")).toBeGreaterThan(0);
    expect(values.get("weftline_database_transaction_seconds_count")).toBeGreaterThan(0);
    const files = ["weftline.db", "weftline.db-wal"].map((file) => values.get(`weftline_database_bytes{file="${file}"}`) ?? 0);
    expect(Math.min(...files)).toBeGreaterThan(0);
    expect(values.get('weftline_graphql_operations_total{kind="mutation"}')).toBe(3);
  });

  it("tell of requests and of who is connected", async () => {
    await using app = await testPlatform({ plugins: [metrics()], viewers: [scraper] });
    await fetch(new URL("/livez", app.url));
    await fetch(new URL("/nowhere/to/be/found", app.url));
    await fetch(new URL("/metrics", app.url));
    const stream = await fetch(new URL("/graphql", app.url), {
      method: "POST",
      headers: { ...as("scraper").headers, accept: "text/event-stream", "content-type": "application/json" },
      body: JSON.stringify({ query: "subscription { changes { kind } }" }),
    });
    const values = await scrape(app);
    expect(values.get('weftline_http_requests_total{route="probes",status="200"}')).toBe(1);
    expect(values.get('weftline_http_requests_total{route="other",status="404"}')).toBe(1);
    expect(values.get('weftline_http_requests_total{route="metrics",status="401"}')).toBe(1);
    expect([values.get("weftline_subscriptions"), values.get("weftline_event_streams"), values.get("weftline_sockets")]).toEqual([1, 1, 0]);
    await stream.body?.cancel();
    await vi.waitFor(async () => {
      const later = await scrape(app);
      expect([later.get("weftline_subscriptions"), later.get("weftline_event_streams")]).toEqual([0, 0]);
      expect(later.get('weftline_http_request_seconds_count{route="graphql"}')).toBeUndefined();
    }, 10_000);
  });

  it("tell of the runtime: CPU, memory, garbage, the event loop", async () => {
    await using app = await testPlatform({ plugins: [metrics()], viewers: [scraper] });
    await scrape(app);
    const values = await scrape(app);
    for (const name of ["process_cpu_user_seconds_total", "process_resident_memory_bytes", "nodejs_eventloop_lag_p99_seconds"])
      expect(values.get(name), name).toBeGreaterThanOrEqual(0);
  });

  it("have as many series for 10,000 models, tools and agents as for a few hundred", async () => {
    const most = 10_000;
    let last = 0;
    const fake = fakeRuntime({
      turn: async function* () {
        for (; last < most; last++)
          yield { kind: "usage.recorded", provider: `p${last}`, model: `m${last}`, inputTokens: 1, outputTokens: 1 };
      },
    });
    const plugins = [metrics(), models({ default: "script", bindings: {} }), scriptModel([]), capabilities(), agents(), fake];
    await using app = await testPlatform({ plugins, viewers: [scraper] });
    await create(app, 'name: "many", framework: "fake"');
    expect(await run(app, "many", "go")).toBe("SUCCEEDED");
    const values = await scrape(app);
    const series = [...values.keys()].filter((name) => name.startsWith("weftline_model_"));
    expect(series.length).toBeLessThan(2_000);
    expect(values.get('weftline_model_calls_total{provider="other",model="other",status="SUCCEEDED"}')).toBe(most - 100);
    const sum = [...values].filter(([name]) => name.startsWith("weftline_model_calls_total")).reduce((all, [, value]) => all + value, 0);
    expect(sum).toBe(most);
    for (let n = 0; n < 50; n++) await create(app, `name: "agent-${n}", framework: "fake"`);
    for (let n = 0; n < 50; n++) await run(app, `agent-${n}`, "go");
    const after = await scrape(app);
    const named = [...after.keys()].filter((name) => /agent-\d/.test(name));
    expect(named).toEqual([]);
    const ended = [...after.keys()].filter((name) => name.startsWith("weftline_runs_ended_total"));
    expect(ended).toHaveLength(1);
    expect(after.get(ended[0] ?? "")).toBe(51);
  });

  it("hold those of plugins, so many series of each, and go on without one that throws", async () => {
    const noisy = definePlugin({
      id: "noisy",
      schema: (builder) => builder.mutationField("noisyTouch", (t) => t.boolean({ resolve: () => true })),
      setup: ({ contribute }) => {
        const many = Array.from({ length: 5_000 }, (_, n) => ({ labels: { who: `w"${n}\n` }, value: n }));
        contribute(metricSources, "many", { name: "weftline_noisy_many", help: "Many.", type: "gauge", collect: () => many });
        contribute(metricSources, "bad", {
          name: "weftline_noisy_bad",
          help: "Bad.",
          type: "counter",
          collect: () => {
            throw new Error("no");
          },
        });
        return {};
      },
    });
    await using app = await testPlatform({ plugins: [metrics(), noisy()], viewers: [scraper] });
    const values = await scrape(app);
    expect([...values.keys()].filter((name) => name.startsWith("weftline_noisy_many"))).toHaveLength(200);
    expect(values.get(String.raw`weftline_noisy_many{who="w\"7\n"}`)).toBe(7);
    expect([...values.keys()].filter((name) => name.startsWith("weftline_noisy_bad"))).toEqual([]);
  });
});

describe("who may scrape", () => {
  it("is who has the role, where callers have credentials", async () => {
    const admin = { ...testViewer("admin"), roles: ["admin"] };
    await using app = await testPlatform({ plugins: [metrics()], viewers: [scraper, admin, testViewer("bob")] });
    const statusOf = async (init: RequestInit): Promise<number> => (await fetch(new URL("/metrics", app.url), init)).status;
    expect(await statusOf({})).toBe(401);
    expect(await statusOf(as("nobody"))).toBe(401);
    expect(await statusOf(as("bob"))).toBe(403);
    expect(await statusOf(as("admin"))).toBe(403);
    expect(await statusOf(as("scraper"))).toBe(200);
    expect(await statusOf({ ...as("scraper"), method: "POST" })).toBe(405);
  });

  it("is who knows the token, and nobody else, where there is one", async () => {
    const token = "a-token-for-scrapes";
    await using app = await testPlatform({ plugins: [metrics({ token })], viewers: [scraper] });
    const statusOf = async (init: RequestInit): Promise<number> => (await fetch(new URL("/metrics", app.url), init)).status;
    expect(await statusOf({})).toBe(401);
    expect(await statusOf(as("scraper"))).toBe(401);
    expect(await statusOf(as(`${token}x`))).toBe(401);
    expect(await statusOf(as(token))).toBe(200);
    await expect(testPlatform({ plugins: [metrics({ token: "short" })] })).rejects.toMatchObject({ code: "BOOT_FAILED" });
  });

  it("is the user of a machine that lets in whoever is on it, and none of its proxies", async () => {
    await using app = await testPlatform({ plugins: [metrics(), auth()] });
    const { url } = await app.platform.listen({ host: "127.0.0.1", port: 0 });
    expect((await fetch(new URL("/metrics", url))).status).toBe(200);
    expect((await fetch(new URL("/metrics", url), { headers: { "x-forwarded-for": "203.0.113.9" } })).status).toBe(401);
  });
});

it("is asked for a subscription that counts while it is open", async () => {
  await using app = await testPlatform({ plugins: [metrics()], viewers: [scraper] });
  const events = app.subscribe("subscription { changes { kind } }", {}, scraper);
  await collect(events, { until: () => true });
  expect((await scrape(app)).get("weftline_subscriptions")).toBe(0);
  expect((await scrape(app)).get('weftline_graphql_operations_total{kind="subscription"}')).toBe(1);
});
