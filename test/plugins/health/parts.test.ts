import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, vi } from "vitest";
import { definePlugin } from "#weftline";
import { healthChecks, healthSources, keptFor, type HealthCheck, type HealthFinding } from "../../../src/plugins/health/contract.ts";
import { health } from "../../../src/plugins/health/index.ts";
import { models } from "../../../src/plugins/models/index.ts";
import { openai } from "../../../src/plugins/openai/index.ts";
import { simulated } from "../../../src/plugins/simulated/index.ts";
import { testPlatform, type TestPlatform } from "../../../src/testing/index.ts";

interface Part {
  readonly name: string;
  readonly status: string;
  readonly detail: string | null;
  readonly latencyMs: number;
  readonly checkedAt: string;
}

async function partsOf(app: TestPlatform): Promise<Record<string, Part>> {
  const query = "{ health { components { name status detail latencyMs checkedAt } } }";
  const answer = await app.graphql<{ health: { components: Part[] } }>(query);
  return Object.fromEntries(answer.health.components.map((part) => [part.name, part]));
}

const contributing = (checks: Record<string, HealthCheck>) =>
  definePlugin({
    id: "parts",
    schema: (builder) => builder.mutationField("partsTouch", (t) => t.boolean({ resolve: () => true })),
    setup: ({ contribute }) => {
      for (const [name, check] of Object.entries(checks)) contribute(healthChecks, name, check);
      return {};
    },
  })();

const quiet = contributing({});

describe("the parts of the platform", () => {
  it("hold the engine, which looks for runs that are due", async () => {
    await using app = await testPlatform({ plugins: [health(), quiet] });
    await vi.waitFor(async () =>
      expect((await partsOf(app))["engine"]).toMatchObject({ status: "UP", detail: expect.stringContaining("none is due") }),
    );
    await app.platform.kernel.close();
    expect((await partsOf(app))["engine"]).toMatchObject({ status: "DOWN", detail: "The engine has stopped." });
  });

  it("hold runs that are due for longer than they should be, and none that waits behind another", async () => {
    await using app = await testPlatform({ plugins: [health({ oldestDueMs: 4_000 }), quiet] });
    const queue = (id: string, blockedBy: string | null): Promise<unknown> =>
      app.platform.database.commit(({ sql }) =>
        sql.run(
          `insert into runs_run (id, tenant_id, owner_id, stream_num, start_seq, seq, root_id, target_type, target_id, target_name, "trigger", status,
             limits, settings, created_at, due_at, blocked_by_id)
           values (?, 'default', 'local', 1, ?, 1, ?, 'Nothing', 'x', 'x', 'API', 'QUEUED', '{}', '{}', 1, ${sql.now} - 5000, ?)`,
          id,
          Math.round(performance.now() * 1_000),
          id,
          blockedBy,
        ),
      );
    await queue("behind", "another");
    expect((await partsOf(app))["engine"]).toMatchObject({ status: "UP", detail: expect.stringContaining("none is due") });
    // The engine may have taken it before it is looked at: then another is queued.
    let asked = 0;
    await vi.waitFor(async () => {
      await queue(`due-${asked++}`, null);
      const part = (await partsOf(app))["engine"];
      expect(part).toMatchObject({ status: "DEGRADED", detail: expect.stringMatching(/\d due, the oldest for 5\.\d s\.$/) });
    }, 10_000);
  });

  it("hold the others, too, where a source of parts fails", async () => {
    const failing = definePlugin({
      id: "failing",
      setup: ({ contribute }) => {
        contribute(healthSources, "failing", () => {
          throw new Error("hunter2");
        });
        return {};
      },
    })();
    await using app = await testPlatform({ plugins: [health(), quiet, failing] });
    const parts = await partsOf(app);
    expect(parts["failing"]).toMatchObject({ status: "DOWN", detail: "It does not say which parts there are." });
    expect(parts["database"]).toMatchObject({ status: "UP" });
  });

  it("hold the disk of the data folder against what is asked of it", async () => {
    const all = { bytes: Number.MAX_SAFE_INTEGER, share: 1 };
    await using plenty = await testPlatform({ plugins: [health(), quiet] });
    expect((await partsOf(plenty))["disk"]).toMatchObject({
      status: "UP",
      detail: expect.stringMatching(/^[\d,]+ of [\d,]+ MiB are free\.$/),
    });
    await using little = await testPlatform({ plugins: [health({ disk: { degradedBelow: all } }), quiet] });
    expect((await partsOf(little))["disk"]).toMatchObject({ status: "DEGRADED", detail: expect.stringContaining("more room") });
    await using none = await testPlatform({ plugins: [health({ disk: { degradedBelow: all, downBelow: all } }), quiet] });
    expect((await partsOf(none))["disk"]).toMatchObject({ status: "DOWN", detail: expect.stringContaining("writes will be refused") });
  });

  it("hold the event loop, which is DEGRADED after it stood still", async () => {
    await using app = await testPlatform({ plugins: [health({ eventLoop: { longestMs: 700, p99Ms: 60_000 } }), quiet] });
    await vi.waitFor(async () => {
      await new Promise((resolve) => setTimeout(resolve, 250));
      const until = performance.now() + 1_000;
      while (performance.now() < until);
      await new Promise((resolve) => setTimeout(resolve, 250));
      expect((await partsOf(app))["event-loop"]).toMatchObject({ status: "DEGRADED" });
    }, 15_000);
  });

  it("hold each framework and each binding of models, and say what is simulated", async () => {
    await using app = await testPlatform({ plugins: [health(), models(), simulated(), openai(), quiet] });
    const parts = await partsOf(app);
    expect(parts["frameworks.openai"]).toMatchObject({ status: "UP", detail: expect.stringMatching(/^SIMULATED: .*OPENAI_API_KEY/) });
    expect(parts["models.openai"]).toMatchObject({ status: "UP", detail: expect.stringMatching(/^SIMULATED: it has no API key/) });
    expect(parts["models.simulated"]).toMatchObject({ status: "UP", detail: expect.stringMatching(/^SIMULATED/) });
    await using strict = await testPlatform({ plugins: [health(), models(), simulated(), openai(), quiet], simulation: "forbidden" });
    const refused = await partsOf(strict);
    expect(refused["frameworks.openai"]).toMatchObject({ status: "DEGRADED" });
    expect(refused["models.openai"]).toMatchObject({ status: "DEGRADED" });
  });

  it("hold checks that a plugin only knows later, and that go again", async () => {
    const live = new Map<string, HealthCheck>();
    const late = definePlugin({
      id: "late",
      setup: ({ contribute }) => {
        contribute(healthSources, "late", () => live);
        return {};
      },
    });
    await using app = await testPlatform({ plugins: [health(), late(), quiet] });
    expect((await partsOf(app))["late.one"]).toBeUndefined();
    live.set("late.one", () => ({ status: "DEGRADED", detail: "It is late." }));
    expect((await partsOf(app))["late.one"]).toMatchObject({ status: "DEGRADED", detail: "It is late." });
    live.clear();
    expect((await partsOf(app))["late.one"]).toBeUndefined();
  });
});

describe("a check", () => {
  it("that hangs is not called again, and takes no other with it", async () => {
    let calls = 0;
    const hangs: HealthCheck = () => {
      calls++;
      return new Promise(() => undefined);
    };
    await using app = await testPlatform({ plugins: [health(), contributing({ hangs, works: () => ({ status: "UP" }) })] });
    expect((await partsOf(app))["hangs"]).toMatchObject({ status: "DOWN", detail: "It did not answer within 2 s." });
    const again = await partsOf(app);
    expect(again["hangs"]).toMatchObject({ status: "DOWN", detail: expect.stringMatching(/^It has not answered for \d+ s\.$/) });
    expect(again["works"]?.status).toBe("UP");
    expect(calls).toBe(1);
  });

  it("may keep what it found, and says since when and how long that took", async () => {
    let calls = 0;
    const slow = keptFor({ UP: 60_000, DEGRADED: 0, DOWN: 0 }, async (): Promise<HealthFinding> => {
      calls++;
      await new Promise((resolve) => setTimeout(resolve, 30));
      return calls === 1 ? { status: "DEGRADED" } : { status: "UP" };
    });
    await using app = await testPlatform({ plugins: [health(), contributing({ slow })] });
    expect((await partsOf(app))["slow"]?.status).toBe("DEGRADED");
    const first = (await partsOf(app))["slow"];
    const second = (await partsOf(app))["slow"];
    expect([first?.status, calls]).toEqual(["UP", 2]);
    expect(first?.latencyMs).toBeGreaterThan(20);
    expect(second).toEqual(first);
  });

  it("joins others who ask at the same time", async () => {
    let calls = 0;
    const counted: HealthCheck = async () => {
      calls++;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return { status: "UP" };
    };
    await using app = await testPlatform({ plugins: [health(), contributing({ counted })] });
    await Promise.all(Array.from({ length: 50 }, () => partsOf(app)));
    expect(calls).toBe(1);
  });
});

describe("a provider", () => {
  const key = "sk-key-of-the-probe";
  const bound = (baseURL: string) => [
    health(),
    quiet,
    models({ bindings: { lab: { baseURL, apiKey: key, models: ["rat"] } }, default: "lab" }),
  ];

  async function provider(status: number | "silent") {
    const seen: { readonly method: string; readonly path: string; readonly key: string | undefined }[] = [];
    const server = createServer((request, response) => {
      seen.push({ method: request.method ?? "", path: request.url ?? "", key: request.headers.authorization });
      if (status !== "silent") response.writeHead(status).end("{}");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return {
      seen,
      host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
      async [Symbol.asyncDispose]() {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  }

  it.each([
    [200, "UP", "answers"],
    [404, "UP", "answers"],
    [401, "DEGRADED", "refuses the key (401)"],
    [503, "DEGRADED", "answers with 503"],
    ["silent", "DEGRADED", "did not answer within 1.5 s"],
  ] as const)(
    "that answers %s for the list of its models is %s, and is asked once however often the health is",
    async (status, expected, words) => {
      await using server = await provider(status);
      await using app = await testPlatform({ plugins: bound(`http://${server.host}/v1`) });
      const found: (Part | undefined)[] = [];
      for (let asked = 0; asked < 5; asked++) found.push((await partsOf(app))["models.lab"]);
      for (const part of found) expect(part).toMatchObject({ status: expected, detail: `${server.host} ${words}.` });
      expect(server.seen).toEqual([{ method: "GET", path: "/v1/models", key: `Bearer ${key}` }]);
      expect(JSON.stringify(found)).not.toContain(key);
    },
  );

  it("that cannot be reached is DEGRADED with why, and the server is not asked for what its address hides", async () => {
    const gone = await provider(200);
    await gone[Symbol.asyncDispose]();
    await using app = await testPlatform({ plugins: bound(`http://user:hidden@${gone.host}/v1`) });
    const part = (await partsOf(app))["models.lab"];
    expect(part).toMatchObject({ status: "DEGRADED", detail: expect.stringMatching(/ cannot be reached(: ECONNREFUSED)?\.$/) });
    expect(JSON.stringify(part)).not.toContain("hidden");
  });
});

describe("changes of the health", () => {
  it("reach whoever follows them, when a part is another way than it was", async () => {
    let status: HealthFinding["status"] = "UP";
    await using app = await testPlatform({ plugins: [health({ everyMs: 100 }), contributing({ turns: () => ({ status }) })] });
    const heard: unknown[] = [];
    const events = await app.subscribe<{ changes: { kind: string } }>(
      'subscription { changes(typeNames: ["Health"]) { kind typeName nodeId } }',
    );
    const listening = (async () => {
      for await (const { changes } of events) heard.push({ ...changes });
    })();
    await vi.waitFor(async () => expect((await partsOf(app))["engine"]?.status).toBe("UP"));
    const before = heard.length;
    status = "DEGRADED";
    await vi.waitFor(() => expect(heard.length).toBeGreaterThan(before), 10_000);
    expect(heard.at(-1)).toEqual({ kind: "UPDATED", typeName: "Health", nodeId: null });
    expect((await partsOf(app))["turns"]?.status).toBe("DEGRADED");
    await events.return?.();
    await listening;
  });
});
