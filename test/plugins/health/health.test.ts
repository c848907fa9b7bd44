import { describe, expect, it } from "vitest";
import { definePlugin, version } from "#weftline";
import { healthChecks, type HealthCheck } from "../../../src/plugins/health/contract.ts";
import { health } from "../../../src/plugins/health/index.ts";
import { testPlatform, testViewer } from "../../../src/testing/index.ts";

interface HealthAnswer {
  readonly health: {
    readonly status: string;
    readonly version: string;
    readonly uptime: string;
    readonly components: readonly {
      readonly name: string;
      readonly status: string;
      readonly detail: string | null;
      readonly latencyMs: number;
      readonly checkedAt: string;
    }[];
  };
}

const query = "{ health { status version uptime components { name status detail latencyMs checkedAt } } }";

const checks = (all: Record<string, HealthCheck>) =>
  definePlugin({
    id: "parts",
    schema: (builder) => builder.mutationField("partsTouch", (t) => t.boolean({ resolve: () => true })),
    setup: ({ contribute }) => {
      for (const [name, check] of Object.entries(all)) contribute(healthChecks, name, check);
      return {};
    },
  })();

const ask = async (...plugins: ReturnType<typeof health>[]): Promise<HealthAnswer["health"]> => {
  await using app = await testPlatform({ plugins });
  return (await app.graphql<HealthAnswer>(query)).health;
};

describe("the health of the platform", () => {
  it("is UP with its version, uptime and the parts that were checked", async () => {
    const answer = await ask(health(), checks({}));
    expect(answer).toMatchObject({ status: "UP", version, uptime: expect.stringMatching(/^PT/) });
    expect(answer.components.map(({ name, status }) => [name, status])).toEqual([
      ["database", "UP"],
      ["engine", "UP"],
      ["disk", "UP"],
      ["event-loop", "UP"],
      ["plugins", "UP"],
      ["providers", "UP"],
    ]);
    for (const { latencyMs, checkedAt } of answer.components) {
      expect(latencyMs).toBeGreaterThanOrEqual(0);
      expect(Date.now() - Date.parse(checkedAt)).toBeLessThan(10_000);
    }
  });

  it.each([
    ["UP", 200],
    ["DEGRADED", 200],
    ["DOWN", 503],
  ] as const)("is what /healthz says without being asked who calls: %s", async (status, code) => {
    await using app = await testPlatform({ plugins: [health(), checks({ a: () => ({ status }) })], viewers: [testViewer("ada")] });
    const answer = await fetch(new URL("/healthz", app.url));
    expect([answer.status, await answer.json()]).toEqual([code, { status }]);
    expect((await app.graphql<HealthAnswer>(query)).health.status).toBe(status);
  });

  it("is the worst of its parts", async () => {
    expect((await ask(health(), checks({ a: () => ({ status: "UP" }), b: () => ({ status: "DEGRADED", detail: "slow" }) }))).status).toBe(
      "DEGRADED",
    );
    const answer = await ask(health(), checks({ a: () => ({ status: "DOWN" }), b: () => ({ status: "DEGRADED", detail: "slow" }) }));
    expect(answer.status).toBe("DOWN");
    expect(answer.components.find(({ name }) => name === "b")).toMatchObject({ status: "DEGRADED", detail: "slow" });
  });

  it("tells which plugins do not work, and why", async () => {
    const lacking = definePlugin({
      id: "lacking",
      setup: ({ status }) => {
        status({ state: "UNAVAILABLE", reason: "There is no key." });
        return {};
      },
    });
    const answer = await ask(health(), checks({}), lacking());
    expect(answer.status).toBe("DEGRADED");
    expect(answer.components.find(({ name }) => name === "plugins")?.detail).toBe("lacking is UNAVAILABLE: There is no key.");
  });

  it("counts a check that throws as DOWN and shows nothing of a bug", async () => {
    const broken: HealthCheck = async () => {
      throw new Error("password=hunter2");
    };
    expect((await ask(health(), checks({ broken }))).components.at(-1)).toMatchObject({
      name: "broken",
      status: "DOWN",
      detail: "The check failed.",
    });
  });

  it("waits two seconds for a check, for all of them at once, and tells it to stop", async () => {
    const stopped: string[] = [];
    const hanging =
      (name: string): HealthCheck =>
      (signal) => {
        signal.addEventListener("abort", () => stopped.push(name));
        return new Promise(() => undefined);
      };
    const answer = await ask(health(), checks({ one: hanging("one"), two: hanging("two") }));
    expect(answer.status).toBe("DOWN");
    expect(answer.components.filter(({ status }) => status === "DOWN").map(({ name, detail }) => [name, detail])).toEqual([
      ["one", "It did not answer within 2 s."],
      ["two", "It did not answer within 2 s."],
    ]);
    expect(stopped).toEqual(["one", "two"]);
  });
});
