import { AsyncLocalStorage } from "node:async_hooks";
import { expect, it } from "vitest";
import { bootRuns, say, type Turn } from "./fixtures.ts";

it("a run begins in nobody's asynchronous context, whoever's commit it shared: frameworks keep their own there", async () => {
  const whose = new AsyncLocalStorage<string>();
  const met: (string | undefined)[] = [];
  const turn: Turn = async function* (_, { runId, checkpoints }) {
    met.push(whose.getStore());
    await whose.run(runId, async () => {
      for (const id of ["a", "b", "c", "d"]) await checkpoints.put({ id, format: "test/1", versions: {}, values: {}, data: null });
    });
    yield* say(["Done."]);
  };
  await using host = await bootRuns({ turn });
  const inTurn = async (): Promise<void> => {
    for (let n = 0; n < 10; n++) await host.until((await host.start()).id, "SUCCEEDED");
  };
  await Promise.all(Array.from({ length: 5 }, inTurn));
  expect(met).toEqual(Array.from({ length: 50 }, () => undefined));
});
