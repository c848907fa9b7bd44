import { afterEach, expect, test } from "vitest";
import { scriptMemory } from "../../../src/testing/index.ts";
import { agentsPlatform, bob, made, mutations, script, type Script } from "./fixture.ts";

let app: Awaited<ReturnType<typeof agentsPlatform>> | undefined;
afterEach(() => app?.close());

interface Health {
  name: string;
  status: string;
  detail: string | null;
  latencyMs: number;
  checkedAt: string;
}

async function healthOf(play: Script, input: Record<string, unknown>): Promise<Health> {
  app = await agentsPlatform(play);
  made(await mutations(app).create({ name: "A", framework: "paper", ...input }));
  return health();
}

async function health(): Promise<Health> {
  const query = `{ agent(ref: { name: "A" }) { health { name status detail latencyMs checkedAt } framework { name mode } } }`;
  const data = await app?.graphql<{ agent: { health: Health } }>(query, {}, bob);
  if (!data) throw new Error("There is no platform.");
  return data.agent.health;
}

test("an agent that has all it needs is up", async () => {
  const found = await healthOf(script(), { capabilities: ["time.now"] });
  expect(found).toMatchObject({ name: "A", status: "UP", detail: null });
  expect(found.latencyMs).toBeGreaterThanOrEqual(0);
  expect(Date.now() - Date.parse(found.checkedAt)).toBeLessThan(60_000);
});

test("a framework that is away takes the agent down with its reason and its fix", async () => {
  const play = script({ status: { mode: "UNAVAILABLE", reason: "its SDK is missing.", fix: "Run: npm install paper" } });
  const found = await healthOf(play, {});
  expect(found).toMatchObject({ status: "DOWN", detail: expect.stringMatching(/"paper"[^]*its SDK is missing\. Run: npm install paper/) });
  play.status = { mode: "LIVE" };
  expect(await health()).toMatchObject({ status: "UP" });
});

test("a framework that is no longer installed takes the agent down, and its framework is null", async () => {
  await healthOf(script(), {});
  await app?.platform.database.commit(({ sql }) => sql.run("update agents_version set definition = replace(definition, 'paper', 'wood')"));
  expect(await health()).toMatchObject({ status: "DOWN", detail: 'No plugin provides the framework "wood".' });
  expect(await app?.graphql(`{ agent(ref: { name: "A" }) { frameworkId framework { name } } }`, {}, bob)).toEqual({
    agent: { frameworkId: "wood", framework: null },
  });
});

test("simulated answers and what is missing degrade it, all named", async () => {
  const found = await healthOf(script({ status: { mode: "SIMULATED", reason: "there is no key." } }), {
    model: "openai/gpt-5-mini",
    capabilities: ["no.such", "time.now", "nor.this"],
  });
  expect(found.status).toBe("DEGRADED");
  expect(found.detail).toBe("Answers are simulated: there is no key. No plugin provides: no.such, nor.this.");
});

test("a framework that is simulated by default leaves an agent with a live model up", async () => {
  expect(await healthOf(script({ status: { mode: "SIMULATED", reason: "there is no key." } }), { model: "lab/rat" })).toMatchObject({
    status: "UP",
  });
});

test("what the framework cannot do degrades an agent that needs it", async () => {
  const play = script();
  play.features = { ...play.features, tools: false, structuredOutput: false };
  const found = await healthOf(play, { capabilities: ["time.now"], outputSchema: { type: "object" } });
  expect(found).toMatchObject({
    status: "DEGRADED",
    detail: 'The framework "paper" calls no tools. The framework "paper" gives no structured output.',
  });
});

test("an agent that recalls is degraded where no plugin provides memory, and where it names no scope", async () => {
  const found = await healthOf(script(), { memory: { recall: true, scopes: ["USER"] } });
  expect(found).toMatchObject({
    status: "DEGRADED",
    detail: "It recalls, but no plugin provides memory: its runs go on without. Add one, or set memory.recall to false.",
  });
  const off = { agent: { name: "A" }, memory: { recall: false } };
  if (app) made(await mutations(app).update(off));
  expect(await health()).toMatchObject({ status: "UP", detail: null });
});

test("an agent that recalls is up where a plugin provides memory and it says whose", async () => {
  app = await agentsPlatform(script(), scriptMemory({ recall: () => [] }));
  made(await mutations(app).create({ name: "A", framework: "paper", memory: { recall: true } }));
  expect(await health()).toMatchObject({
    status: "DEGRADED",
    detail: "It recalls, but from no scope: name some in memory.scopes.",
  });
  made(await mutations(app).update({ agent: { name: "A" }, memory: { scopes: ["USER"] } }));
  expect(await health()).toMatchObject({ status: "UP", detail: null });
});

test("options that its framework takes no longer take the agent down, by name", async () => {
  await healthOf(script(), { options: { temperature: 1.5 } });
  await app?.platform.database.commit(({ sql }) =>
    sql.run(`update agents_version set definition = replace(definition, '"temperature":1.5', '"temperature":9')`),
  );
  expect(await health()).toMatchObject({
    status: "DOWN",
    detail: expect.stringMatching(
      /^Its runs fail, since the framework "paper" takes its options no longer: options\.temperature: .*Update the agent\.$/,
    ),
  });
});

test("a binding that is gone takes the agent down", async () => {
  await healthOf(script(), { model: "lab/rat" });
  await app?.platform.database.commit(({ sql }) =>
    sql.run("update agents_version set definition = replace(definition, 'lab/rat', 'gone/rat')"),
  );
  expect(await health()).toMatchObject({ status: "DOWN", detail: expect.stringContaining("gone") });
});
