import { expect, it } from "vitest";
import { awaitSignal, bootChores, change, seen, sendSignal, until } from "./world.ts";

it("a cancel that comes between the claim of a run and its turn cancels it", async () => {
  const { app, start } = await bootChores(100);
  const runs: string[] = [];
  for (let n = 0; n < 40; n++) runs.push(await start((ctx) => awaitSignal(ctx, "go")));
  for (const run of runs) await until(app, run, "WAITING");
  // Each is claimed when its signal has come; cancels come some turns of the event loop later.
  await Promise.all(
    runs.map(async (run, turns) => {
      await sendSignal(app, run);
      for (let turn = 0; turn < turns % 8; turn++) await new Promise((resolve) => setImmediate(resolve));
      await change(app, "cancel", run);
    }),
  );
  for (const run of runs) {
    await expect.poll(async () => (await seen(app, run)).status).toMatch(/^(CANCELLED|SUCCEEDED|FAILED)$/);
    expect((await seen(app, run)).events.map(({ type }) => type).at(-1)).toMatch(/^run\.(cancelled|finished)$/);
  }
  await app.close();
});
