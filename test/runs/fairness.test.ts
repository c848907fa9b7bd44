import { expect, it } from "vitest";
import type { Viewer } from "#weftline";
import { FairClaims } from "../../src/core/runs/fair-claims.ts";
import { ToolGates } from "../../src/core/runs/tool-gates.ts";
import { bootRuns, countingTool, say } from "./fixtures.ts";

const member = (tenantId: string, actorId: string): Viewer => ({ tenantId, actorId, name: actorId, roles: [] });
const ownerOf = ({ tenantId, actorId }: Viewer) => ({ tenantId, ownerId: actorId });

it("many long runs of three members leave places for another tenant, for another member, and for who comes after them", async () => {
  const long = Promise.withResolvers<void>();
  let longAtWork = 0;
  await using host = await bootRuns({
    concurrency: 64,
    turn: async function* (_, { owner }) {
      if (/ada|bob|eve/.test(owner)) {
        longAtWork++;
        await long.promise;
      }
      yield* say(["a"]);
    },
  });
  for (const name of ["ada", "bob", "eve"]) await Promise.all(Array.from({ length: 50 }, () => host.start({}, member("acme", name))));
  await expect.poll(() => longAtWork).toBeGreaterThan(32);
  const quick = [member("other", "joe"), member("acme", "amy"), member("third", "ann")];
  for (const viewer of quick) {
    const run = await host.start({}, viewer);
    await expect.poll(async () => (await host.runs.find(host.platform.scope(viewer), run.id)).status).toBe("SUCCEEDED");
  }
  // What had to wait goes on as places come free, and nothing is forgotten.
  long.resolve();
  const open = "select count(*) as open from runs_run where finished_at is null";
  await expect.poll(async () => (await host.platform.database.read.get<{ open: number }>(open))?.open).toBe(0);
});

it.each([
  { viewers: [member("a", "1")], each: 1_024 },
  { viewers: [member("a", "1"), member("b", "1")], each: 683 },
  { viewers: [member("a", "1"), member("b", "1"), member("c", "1")], each: 512 },
  { viewers: [member("a", "1"), member("a", "2"), member("a", "3")], each: 410 },
])("$viewers.length viewers who want all places get about $each each", ({ viewers, each }) => {
  const claims = new FairClaims(2_048);
  const held = new Map<string, number>();
  for (const viewer of viewers)
    for (let run = 0; run < 2_048; run++) claims.wait(`${viewer.tenantId}.${viewer.actorId}.${run}`, ownerOf(viewer));
  for (let next = claims.next(); next; next = claims.next()) {
    const key = next.id.slice(0, 3);
    expect(next.id).toBe(`${key}.${held.get(key) ?? 0}`);
    held.set(key, (held.get(key) ?? 0) + 1);
  }
  for (const count of held.values()) expect(Math.abs(count - each)).toBeLessThanOrEqual(2);
  expect(claims.ready).toBe(false);
  expect(claims.admits({ tenantId: "new", ownerId: "new" })).toBe(true);
  expect(claims.admits(ownerOf(viewers[0] ?? member("a", "1")))).toBe(false);
});

it("a new run does not overtake one of its own viewer that waits", () => {
  const claims = new FairClaims(8);
  const ada = ownerOf(member("acme", "ada"));
  claims.wait("first", ada);
  expect(claims.admits(ada)).toBe(false);
  expect(claims.next()?.id).toBe("first");
  expect(claims.admits(ada)).toBe(true);
});

it("the places of a tool go to the tenant, then the viewer, who has the fewest", async () => {
  const gates = new ToolGates();
  const { tool } = countingTool({ name: "slow", concurrency: 2 });
  const order: string[] = [];
  const ends: (() => void)[] = [];
  const call = (viewer: Viewer): Promise<void> =>
    gates.pass(tool, { owner: ownerOf(viewer), signal: new AbortController().signal }, () => {
      order.push(`${viewer.tenantId}/${viewer.actorId}`);
      return new Promise((resolve) => ends.push(resolve));
    });
  const calls = Array.from({ length: 6 }, () => call(member("acme", "ada")));
  calls.push(call(member("acme", "bob")), call(member("other", "joe")), call(member("other", "joe")));
  for (let ended = 0; ended < calls.length; ended++) {
    await expect.poll(() => ends.length).toBeGreaterThan(ended);
    ends[ended]?.();
  }
  await Promise.all(calls);
  expect(order.slice(0, 5)).toEqual(["acme/ada", "acme/ada", "other/joe", "acme/bob", "other/joe"]);
});
