import { expect, it } from "vitest";
import { bootRuns } from "./fixtures.ts";

it("a framework that says more than is written waits for the log, whatever it says", async () => {
  const inLog: number[] = [];
  const data = "x".repeat(300_000);
  await using host = await bootRuns({
    async *turn() {
      const count = async (): Promise<void> => {
        const row = await host.platform.database.read.get<{ n: number }>(
          "select count(*) as n from runs_event where length(payload) > 300000",
        );
        inLog.push(row?.n ?? 0);
      };
      yield { kind: "custom", name: "large", data };
      await count();
      yield { kind: "state.patched", patch: [{ op: "add", path: "/x", value: data }] };
      await count();
    },
  });
  const run = await host.start();
  await host.until(run.id, "SUCCEEDED");
  expect(inLog).toEqual([1, 2]);
});
