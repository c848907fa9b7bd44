import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toolRegistry, type ToolContext, type ToolDefinition } from "../../../src/core/index.ts";
import { OutboxMessage } from "../../../src/plugins/capabilities/entities.ts";
import { capabilities } from "../../../src/plugins/capabilities/index.ts";
import { testPlatform, testViewer, type TestPlatform } from "../../../src/testing/index.ts";

let app: TestPlatform;
beforeAll(async () => {
  app = await testPlatform({ plugins: [capabilities()] });
});
afterAll(() => app.close());

const ada = testViewer("ada");

/** Calls a tool as the engine does: only with arguments that fit, and only with results that fit. */
async function call(name: string, args: unknown, key = "run/tool/1"): Promise<unknown> {
  const registry = app.platform.use(toolRegistry);
  const tool = registry.find(name) as ToolDefinition;
  const problems = await registry.check(tool, args);
  if (problems.length > 0) throw new Error(`refused: ${problems.map(({ path, message }) => `${path.join(".")} ${message}`).join("; ")}`);
  const ctx: ToolContext = {
    runId: "run",
    tenantId: ada.tenantId,
    ownerId: ada.actorId,
    signal: new AbortController().signal,
    log: app.platform.host.log,
    idempotencyKey: key,
    progress: () => undefined,
    memoryChanged: () => undefined,
  };
  const result = await tool.execute(args as never, ctx);
  expect(await registry.checkSchema(tool.outputSchema ?? {}, result)).toEqual([]);
  return result;
}

describe("time.now", () => {
  it("tells the time in UTC", async () => {
    const { iso, timezone, unixMs } = (await call("time.now", {})) as { iso: string; timezone: string; unixMs: number };
    expect(Math.abs(unixMs - Date.now())).toBeLessThan(60_000);
    expect(timezone).toBe("UTC");
    expect(iso).toMatch(/Z$/);
    expect(Date.parse(iso)).toBe(unixMs);
  });

  it("tells it in a timezone", async () => {
    const { iso, unixMs } = (await call("time.now", { timezone: "Asia/Kolkata" })) as { iso: string; unixMs: number };
    expect(iso).toMatch(/\+05:30$/);
    expect(Date.parse(iso)).toBe(unixMs);
  });

  it("knows no made-up timezone", async () => {
    await expect(call("time.now", { timezone: "Mars/Olympus" })).rejects.toThrow('There is no timezone "Mars/Olympus"');
    await expect(call("time.now", { zone: "UTC" })).rejects.toThrow("refused: zone");
  });
});

describe("math.evaluate", () => {
  it.each([
    ["17 * 23", 391],
    ["(1 + 2) * 3 ^ 2", 27],
    ["2 ^ 3 ^ 2", 512],
    ["10 % 4 - -1", 3],
    ["sqrt(2) ^ 2 == 2", false],
    ["roundTo(sin(PI / 2), 3)", 1],
    ["5!", 120],
    ["max(3, 7, 5) > 6 and not (1 > 2)", true],
    ["3 > 2 ? 10 : 20", 10],
    ["log10(1000)", 3],
  ])("calculates %s", async (expression, result) => {
    expect(await call("math.evaluate", { expression })).toEqual({ result });
  });

  it.each([
    "x = 1",
    "f(x) = x",
    "x",
    "toString",
    "constructor",
    "__proto__",
    "hasOwnProperty(1)",
    "isPrototypeOf 1",
    "valueOf()",
    "random()",
    "map(sqrt, 4)",
    "[1, 2]",
    '"text"',
    '"a" || "b"',
    "a.b",
    "min",
    "1 / 0",
    "0 / 0",
    "9 ^ 9 ^ 9",
    "1 +",
    "require('fs')",
    "",
  ])("refuses %s", async (expression) => {
    await expect(call("math.evaluate", { expression })).rejects.toThrow(/not an expression|The result is|refused: expression/);
  });

  it("refuses what is too long", async () => {
    await expect(call("math.evaluate", { expression: `1${"+1".repeat(500)}` })).rejects.toThrow("must NOT have more than 1000 characters");
    expect(await call("math.evaluate", { expression: `1${"+1".repeat(499)}` })).toEqual({ result: 500 });
  });
});

describe("message.send", () => {
  const message = { to: "ada@example.com", subject: "Hello", body: "A long text." };
  const outbox = (viewer = ada) => app.platform.scope(viewer).em.find(OutboxMessage, {});

  it("always asks a person, and says that it reaches outside", () => {
    expect(app.platform.use(toolRegistry).find("message.send")).toMatchObject({
      approval: "ALWAYS",
      sideEffects: "EXTERNAL",
      idempotent: false,
    });
  });

  it("puts the message into its owner's outbox once, however often the same call is made", async () => {
    const first = await call("message.send", message, "run/tool/7");
    const again = await call("message.send", message, "run/tool/7");
    expect(again).toEqual(first);
    expect(await outbox()).toMatchObject([
      { ...(first as object), recipient: "ada@example.com", subject: "Hello", body: "A long text.", runId: "run", ownerId: "ada" },
    ]);
    await call("message.send", message, "run/tool/8");
    expect(await outbox()).toHaveLength(2);
  });

  it("shows nobody another's outbox", async () => {
    expect(await outbox(testViewer("eve"))).toEqual([]);
    expect(await outbox(testViewer("ada", { tenantId: "other" }))).toEqual([]);
  });

  it.each([{ ...message, to: undefined }, { ...message, body: "" }, { ...message, cc: "eve" }, {}])("refuses %j", async (args) => {
    await expect(call("message.send", JSON.parse(JSON.stringify(args)))).rejects.toThrow("refused");
  });
});
