import { afterEach, expect, test } from "vitest";
import type { RunContext, RunEventBody, RunRequest } from "#weftline";
import { ada, agentsPlatform, bob, made, mutations, root, script } from "./fixture.ts";
import { finished, start, started, until } from "./runs.ts";

let app: Awaited<ReturnType<typeof agentsPlatform>> | undefined;
afterEach(() => app?.close());

/** A turn that lasts until it is released or aborted. */
function patience() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    release: resolve,
    async *turn(_: RunRequest<never>, { signal }: RunContext): AsyncGenerator<RunEventBody> {
      yield { kind: "message.started", message: "m" };
      const aborted = new Promise<never>((_resolve, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason), { once: true }),
      );
      await Promise.race([promise, aborted]);
      yield { kind: "message.delta", message: "m", part: 0, channel: "TEXT", text: "At last." };
      yield { kind: "message.finished", message: "m", status: "COMPLETE" };
    },
  };
}

test("an agent is started, stopped, archived and brought back", async () => {
  app = await agentsPlatform();
  const graph = mutations(app);
  const agent = { id: made(await graph.create({ name: "A", framework: "paper", activate: false })).id };
  expect(made(await graph.start(agent)).status).toBe("ACTIVE");
  expect(made(await graph.start(agent)).status).toBe("ACTIVE");
  expect(made(await graph.stop(agent, undefined)).status).toBe("PAUSED");
  expect(made(await graph.stop(agent, "DRAIN")).status).toBe("PAUSED");
  expect(made(await graph.archive(agent)).status).toBe("ARCHIVED");
  expect(await graph.stop(agent, "DRAIN")).toMatchObject({ __typename: "ConflictError", path: ["agent"] });
  expect(made(await graph.start(agent))).toMatchObject({ status: "ACTIVE", version: 1 });
});

test("only an active agent takes runs", async () => {
  app = await agentsPlatform();
  const graph = mutations(app);
  made(await graph.create({ name: "A", framework: "paper", activate: false }));
  const refused = { __typename: "ConflictError", code: "AGENT_NOT_ACTIVE", path: ["input", "target", "agent"] };
  expect(await start(app, { name: "A" })).toMatchObject({ ...refused, message: 'The agent "A" is a draft and takes no runs.' });
  made(await graph.start({ name: "A" }));
  expect((await started(app, { name: "A" })).targetName).toBe("A");
  made(await graph.stop({ name: "A" }, "DRAIN"));
  expect(await start(app, { name: "A" })).toMatchObject(refused);
  made(await graph.archive({ name: "A" }));
  expect(await start(app, { name: "A" })).toMatchObject(refused);
});

test("an agent whose framework is gone is not started, and says how to mend it", async () => {
  app = await agentsPlatform();
  const graph = mutations(app);
  made(await graph.create({ name: "A", framework: "paper", activate: false }));
  await app.platform.database.commit(({ sql }) => sql.run("update agents_version set definition = replace(definition, 'paper', 'wood')"));
  expect(await graph.start({ name: "A" })).toMatchObject({
    __typename: "UnavailableError",
    code: "UNAVAILABLE",
    message: expect.stringContaining('"wood"'),
  });
  expect(made(await graph.update({ agent: { name: "A" }, name: "B" }))).toMatchObject({ name: "B", version: 1 });
  expect(await graph.restore({ name: "B" }, 1)).toMatchObject({ code: "FRAMEWORK_UNKNOWN", path: ["version", "framework"] });
});

test("a stop with DRAIN leaves open runs to finish", async () => {
  const { turn, release } = patience();
  app = await agentsPlatform(script({ turn }));
  const graph = mutations(app);
  made(await graph.create({ name: "A", framework: "paper" }));
  const { id } = await started(app, { name: "A" });
  await until(app, id, ["RUNNING"]);
  made(await graph.stop({ name: "A" }, "DRAIN"));
  release();
  expect(await until(app, id, finished)).toMatchObject({ status: "SUCCEEDED", text: "At last." });
});

test("a stop with CANCEL cancels what the viewer may cancel: an owner's own runs, for an admin those of all", async () => {
  const { turn, release } = patience();
  app = await agentsPlatform(script({ turn }));
  const graph = mutations(app);
  made(await graph.create({ name: "A", framework: "paper" }));
  made(await graph.create({ name: "Other", framework: "paper" }));
  const mine = await started(app, { name: "A" });
  const his = await started(app, { name: "A" }, bob);
  const other = await started(app, { name: "Other" });
  made(await graph.stop({ name: "A" }, "CANCEL"));
  expect((await until(app, mine.id, finished)).status).toBe("CANCELLED");
  expect((await until(app, his.id, ["RUNNING", "QUEUED"], bob)).status).not.toBe("CANCELLED");

  made(await graph.stop({ name: "A" }, "CANCEL", root));
  expect((await until(app, his.id, finished, bob)).status).toBe("CANCELLED");
  expect((await until(app, other.id, ["RUNNING"], ada)).status).toBe("RUNNING");
  release();
});
