import { afterEach, beforeEach, expect, it } from "vitest";
import { setTimeout as pause } from "node:timers/promises";
import type { RunContext, RunEventBody, RunRequest } from "../../../src/core/index.ts";
import { admin, type ChatPlatform } from "../chat/fixture.ts";
import { say } from "../chat/play.ts";
import { ago, apply, applied, countOf, kept, setPolicy } from "./world.ts";

let chat: ChatPlatform;
beforeEach(async () => void (chat = await kept()));
afterEach(() => chat.app.close());

const many = 240;
const left = (): Promise<number> => countOf(chat.app, "runs_checkpoint");

/** A thread whose run left many checkpoints, which a policy is removing: some are gone, most are there. */
async function inTheMiddle(): Promise<{ readonly thread: string; readonly job: string | undefined }> {
  chat.play.turn = async function* (_: RunRequest, { checkpoints }: RunContext): AsyncGenerator<RunEventBody> {
    for (let n = 1; n <= many; n++) {
      const parent = n === 1 ? {} : { parent: `c${n - 1}` };
      await checkpoints.put({ id: `c${n}`, ...parent, format: "loom/1", versions: { at: `${n}` }, values: { at: n }, data: null });
    }
    yield* say(["done"]);
  };
  const { id: thread } = await chat.open();
  await chat.exchange(thread, "work");
  expect(await left()).toBe(many);
  await ago(chat.app, 86_400_000 * 10);
  await setPolicy(chat.app, { target: "CHECKPOINTS", maxAge: "P1D" });
  const { job } = await apply(chat.app);
  while ((await left()) === many) await pause(1);
  return { thread, job: job?.id };
}

it("a legal hold that is set while a policy is applied keeps what is there at that moment", async () => {
  const { thread, job } = await inTheMiddle();
  await chat.app.graphql(
    "mutation ($id: ID!) { updateThread(input: { thread: $id, legalHold: true }) { __typename } }",
    { id: thread },
    admin,
  );
  const held = await left();
  expect(held).toBeGreaterThan(1);
  expect(await applied(chat.app, job)).toEqual({ removed: { CHECKPOINTS: many - held } });
  expect(await left()).toBe(held);
});

it("a policy that is switched off while it is applied removes nothing more", async () => {
  const { job } = await inTheMiddle();
  await setPolicy(chat.app, { target: "CHECKPOINTS", enabled: false });
  const there = await left();
  expect(there).toBeGreaterThan(1);
  expect(await applied(chat.app, job)).toMatchObject({ removed: {} });
  // What was under way at that moment may end.
  expect(await left()).toBeGreaterThanOrEqual(there - 25);
});

it("a policy that is changed while it is applied goes on as it is by then", async () => {
  const { job } = await inTheMiddle();
  await setPolicy(chat.app, { target: "CHECKPOINTS", maxAge: null, maxCount: 100 });
  const there = await left();
  expect(there).toBeGreaterThan(100);
  await applied(chat.app, job);
  expect(await left()).toBe(100);
});
