import { rmSync } from "node:fs";
import { expect, it } from "vitest";
import type { FailpointName } from "../../../../src/core/runs/failpoint.ts";
import { crashCopy } from "../../../../src/testing/conformance/crash-copy.ts";
import type { TestPlatform } from "../../../../src/testing/index.ts";
import { say } from "../../../runs/fixtures.ts";
import { tool } from "../../capabilities/play.ts";
import { ada } from "../fixture.ts";
import { asks, finished, hire, started, teamPlatform, until, type Team } from "./fixture.ts";

/** Behind what stands in the store for good. */
const durable: readonly FailpointName[] = ["claim.committed", "append.committed", "tool.executed"];

const note = tool("note.write");

const team: Team = {
  Writer: async function* (_, ctx) {
    const [outcome] = await ctx.callTools([{ callId: "write", name: "note.write", arguments: {} }]);
    yield* say([`${outcome?.status}`]);
  },
  Editor: asks("Writer"),
};

const tree = `query ($id: ID!) { run(id: $id) { status text interrupts { nodes { kind } } children(first: 5) { nodes { status text } } } }`;

async function outcomeOf(app: TestPlatform, id: string): Promise<unknown> {
  await until(app, id, finished);
  return (await app.graphql<{ run: unknown }>(tree, { id }, ada)).run;
}

it("an agent is asked once, wherever the process that asks is killed", async () => {
  const copies: string[] = [];
  let armed = false;
  const failpoint = (at: FailpointName): void => void (armed && durable.includes(at) && copies.push(crashCopy(app.dataDir)));
  const app = await teamPlatform(team, { brought: [note], fault: { failpoint } });
  await hire(app, { Writer: ["note.write"], Editor: ["agent.Writer"] });
  armed = true;
  const { id } = await started(app, { name: "Editor" });
  const expected = await outcomeOf(app, id);
  armed = false;
  expect(expected).toMatchObject({ status: "SUCCEEDED", text: 'It says "SUCCESS".', children: { nodes: [{ status: "SUCCEEDED" }] } });
  await app.close();

  expect(copies.length).toBeGreaterThan(5);
  for (const dataDir of copies) {
    await using next = await teamPlatform(team, { brought: [note], dataDir });
    expect(await outcomeOf(next, id)).toEqual(expected);
    rmSync(dataDir, { recursive: true, force: true });
  }
});
