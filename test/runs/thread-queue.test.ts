import { expect, it } from "vitest";
import { bootRuns, say } from "./fixtures.ts";

type Host = Awaited<ReturnType<typeof bootRuns>>;

const startsAndEnds = async (host: Host, streamNum: number): Promise<string[]> =>
  (await host.rows(streamNum))
    .filter(({ kind }) => /^run\.(started|finished|cancelled|expired|failed)$/.test(kind))
    .map(({ kind, run_seq }) => `${run_seq} ${kind}`);

const second = {
  cancelled: { more: {}, end: (host: Host, id: string) => host.runs.cancel(host.platform.scope(viewer), id) },
  expired: { more: { limits: { deadlineMs: 1 } }, end: (host: Host, id: string) => host.until(id, "EXPIRED") },
};
const viewer = { tenantId: "acme", actorId: "alice", name: "Alice", roles: [] };

it.each(["cancelled", "expired"] as const)(
  "a run waits for all that came before it, also where the one right before it is %s",
  async (how) => {
    const gate = Promise.withResolvers<void>();
    await using host = await bootRuns({
      turn: async function* () {
        await gate.promise;
        yield* say(["a"]);
      },
    });
    const thread = await host.openThread();
    const [first, middle, third, last] = [
      await host.start({ thread }),
      await host.start({ thread, ...second[how].more }),
      await host.start({ thread }),
      await host.start({ thread }),
    ];
    await second[how].end(host, middle.id);
    expect((await host.find(third.id)).blockedById).toBe(first.id);
    expect((await host.find(last.id)).blockedById).toBe(third.id);
    gate.resolve();
    await host.until(last.id, "SUCCEEDED");
    const ended = (await startsAndEnds(host, thread.streamNum)).filter((line) => !line.startsWith(`${middle.startSeq} `));
    expect(ended).toEqual([first, third, last].flatMap(({ startSeq }) => [`${startSeq} run.started`, `${startSeq} run.finished`]));
  },
);

it("a run that waits for several which end in any order begins after the last of them", async () => {
  const gates = new Map<string, () => void>();
  await using host = await bootRuns({
    turn: async function* (_, { runId }) {
      await new Promise<void>((resolve) => gates.set(runId, resolve));
      yield* say(["a"]);
    },
  });
  const thread = await host.openThread();
  const first = await host.start({ thread });
  const blocked = [await host.start({ thread }), await host.start({ thread }), await host.start({ thread })];
  for (const { id } of [blocked[1], blocked[0]].filter((run) => run !== undefined)) await host.runs.cancel(host.platform.scope(viewer), id);
  expect((await host.find(blocked[2]?.id ?? "")).blockedById).toBe(first.id);
  await expect.poll(() => gates.has(first.id)).toBe(true);
  gates.get(first.id)?.();
  await expect.poll(() => gates.has(blocked[2]?.id ?? "")).toBe(true);
  gates.get(blocked[2]?.id ?? "")?.();
  await host.until(blocked[2]?.id ?? "", "SUCCEEDED");
});
