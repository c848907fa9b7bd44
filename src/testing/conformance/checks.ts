import assert from "node:assert/strict";
import type { LoggedEvent } from "../../core/runs/events.ts";
import type { CheckSource } from "./check.ts";
import { Stage, ended, openAfter, said, type RuntimeUnderTest } from "./stage.ts";

const nothingOpen = { messages: [], steps: [], calls: [], interrupts: [] };

/** Deltas of each message, joined. */
function joined(log: readonly LoggedEvent[]): Map<number, string> {
  const texts = new Map<number, string>();
  for (const { kind, payload } of log) {
    if (kind !== "message.delta") continue;
    const [m, , text, reasoning] = payload as readonly [number, number, string, 1?];
    if (!reasoning) texts.set(m, (texts.get(m) ?? "") + text);
  }
  return texts;
}

/** What holds for every runtime. */
export function checksOf(runtime: RuntimeUnderTest): CheckSource[] {
  let playing: ReturnType<typeof playHello> | undefined;
  const hello = (): ReturnType<typeof playHello> => (playing ??= playHello(runtime));
  return [
    {
      name: "tells a run in the order of the protocol, without a gap, and leaves nothing open",
      run: async () => {
        const { run, log, open } = await hello();
        assert.equal(run.status, "SUCCEEDED", JSON.stringify(run.failure));
        assert.deepEqual(open(), nothingOpen);
        assert.deepEqual(
          log.map(({ seq }) => seq),
          log.map((_, index) => index + 1),
        );
        assert.deepEqual([log[0]?.kind, log.at(-1)?.kind], ["run.queued", "run.finished"]);
      },
    },
    {
      name: "says in deltas exactly what the message then holds",
      run: async () => {
        const { run, log } = await hello();
        const finished = log
          .filter(({ kind }) => kind === "message.finished")
          .map(({ payload }) => payload as { readonly m: number; readonly text: string });
        assert.ok(finished.length > 0, "a message is finished");
        for (const { m, text } of finished) assert.equal(joined(log).get(m) ?? "", text);
        assert.equal(finished.at(-1)?.text, run.text);
        assert.ok((run.text ?? "").length > 0, "something is said");
      },
    },
    {
      name: "ends at a cancel, with what was said so far",
      run: async () => {
        await using stage = await Stage.set(runtime, { tokensPerSecond: 50 });
        const id = await stage.start(said.slow);
        await stage.speaking(id);
        await stage.cancel(id);
        const run = await stage.until(id, ended);
        assert.equal(run.status, "CANCELLED");
        assert.deepEqual(openAfter(await stage.log(run)), nothingOpen);
      },
    },
    {
      name: "keeps the events of fifty runs at once apart",
      run: async () => {
        await using stage = await Stage.set(runtime);
        const markers = Array.from({ length: 50 }, (_, index) => `marker-${String(index).padStart(3, "0")}`);
        const runs = await Promise.all(markers.map(async (marker) => ({ marker, run: await stage.play(said.apart(marker)) })));
        for (const { marker, run } of runs) {
          assert.equal(run.status, "SUCCEEDED", JSON.stringify(run.failure));
          const log = await stage.log(run);
          const words = [...joined(log).values()].join("");
          assert.ok(words.includes(marker), `${marker} is said in its own run`);
          assert.deepEqual([...new Set(words.match(/marker-\d+/g))], [marker]);
          openAfter(log);
        }
      },
    },
  ];
}

async function playHello(runtime: RuntimeUnderTest) {
  await using stage = await Stage.set(runtime);
  const run = await stage.play(said.hello);
  const log = await stage.log(run);
  return { run, log, open: () => openAfter(log) };
}
