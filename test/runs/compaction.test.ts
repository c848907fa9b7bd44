import { describe, expect, it } from "vitest";
import type { Question } from "#weftline";
import { compact } from "../../src/core/runs/compaction.ts";
import { bootRuns, say } from "./fixtures.ts";

const colour: Question = { key: "colour", kind: "INPUT", message: "Which colour?", allowed: ["ANSWER", "REJECT"] };

describe("compaction", () => {
  it("is not held up by runs that wait for a person, and takes theirs once they have ended", async () => {
    let asks: "yes" | "no" = "yes";
    await using host = await bootRuns({
      async *turn(_, ctx) {
        yield* say(["Let ", "me ", "see."], 1);
        if (asks === "yes") await ctx.ask(colour);
      },
    });
    const waiting = await Promise.all(Array.from({ length: 55 }, () => host.start()));
    for (const { id } of waiting) await host.until(id, "WAITING");
    asks = "no";
    const finished = await Promise.all(Array.from({ length: 55 }, () => host.start()));
    for (const { id } of finished) await host.until(id, "SUCCEEDED");
    const deltas = async (streamNum: number) => (await host.rows(streamNum)).filter(({ kind }) => kind === "message.delta").length;
    expect(await compact(host.platform.database, -1_000)).toBeGreaterThanOrEqual(55);
    for (const { streamNum } of finished) expect(await deltas(streamNum)).toBe(0);
    const [run] = waiting;
    expect(await deltas(run?.streamNum ?? 0)).toBeGreaterThan(0);
    const [asked] = await host.interrupts();
    await host.decide({ interruptId: asked?.id ?? "", kind: "ANSWER", payload: "red" });
    const decided = waiting.find(({ id }) => id === asked?.run_id);
    await host.until(decided?.id ?? "", "SUCCEEDED");
    await compact(host.platform.database, -1_000);
    expect(await deltas(decided?.streamNum ?? 0)).toBe(0);
  });

  it("of a long log goes by pieces to its end, and keeps what is no delta", async () => {
    await using host = await bootRuns({ turn: () => say(["Hi ", "there"], 1) });
    const { id, streamNum } = await host.openThread();
    const thread = { id, streamNum };
    const append = () =>
      host.platform.database.commit((tx) =>
        host.streams.append(
          tx as never,
          streamNum,
          Array.from({ length: 1_500 }, (_, n) => ({ kind: "custom", payload: { name: "n", data: n } })),
        ),
      );
    await append();
    const first = await host.start({ thread });
    await host.until(first.id, "SUCCEEDED");
    await append();
    const second = await host.start({ thread });
    await host.until(second.id, "SUCCEEDED");
    const before = await host.rows(streamNum);
    const deltas = before.filter(({ kind }) => kind === "message.delta").length;
    expect(await compact(host.platform.database, -1_000)).toBe(deltas);
    expect((await host.rows(streamNum)).length).toBe(before.length - deltas);
    expect(await compact(host.platform.database, -1_000)).toBe(0);
  });
});
