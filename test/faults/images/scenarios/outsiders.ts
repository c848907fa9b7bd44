import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { json } from "node:stream/consumers";
import { Webhook as Signer } from "standardwebhooks";
import { expect, pending, seeThrough, start } from "../runs.ts";
import type { Scenario } from "../scenario.ts";
import type { World } from "../world.ts";
import { localId, makeWorkflow } from "./flow.ts";

interface Schedule {
  readonly id: string;
  readonly enabled: boolean;
  readonly nextAt: string | null;
  readonly reason: string | null;
  readonly runs: { readonly nodes: readonly { readonly id: string; readonly status: string }[] };
}

const scheduleFields = "id enabled nextAt reason runs(first: 10) { nodes { id status } }";

async function scheduleOf(world: World, id: string): Promise<Schedule | null> {
  const query = `query ($id: ID!) { node(id: $id) { ... on Schedule { ${scheduleFields} } } }`;
  return (await world.ask<{ node: Schedule | null }>(query, { id })).node;
}

/** Makes a schedule due, once for each number: time is not waited for. */
async function makeDue(world: World, id: string, tick: number): Promise<void> {
  await world.app.platform.database.commit(({ sql }) =>
    sql.run(`update schedules_schedule set next_at = ${sql.now} / 60000 * 60000 + ? where id = ? and enabled = 1`, tick, localId(id)),
  );
  await world.change("updateSchedule", { schedule: id }, "__typename", ["NOT_FOUND"]);
}

const isDecided = ({ nextAt }: Schedule): boolean => nextAt === null || Date.parse(nextAt) > Date.now() + 120_000;

/** A tick starts one run; one that finds a run open is skipped; one whose target is gone disables the schedule. */
export const ticking: Scenario = {
  name: "ticking",
  reaches: ["createSchedule", "schedules.update", "schedules.tick", "schedules.skip", "schedules.disable", "schedules.remove"],
  async prepare(world) {
    await makeWorkflow(world, "Ticked", [{ key: "allow", kind: "approval", config: { message: "Tick" } }]);
  },
  async play(world) {
    const input = { name: "Rare", target: { workflow: { name: "Ticked" } }, input: {}, cron: "0 0 29 2 *", idempotencyKey: "rare" };
    const made = await world.change<{ schedule: { id: string } }>("createSchedule", input, "schedule { id }", ["NOT_FOUND"]);
    // It was removed in the end.
    if (!("schedule" in made)) return;
    const { id } = made.schedule;
    const decided = (what: string) =>
      world.until(what, async () => {
        const found = await scheduleOf(world, id);
        return found === null ? "removed" : isDecided(found) ? found : undefined;
      });
    const first = await scheduleOf(world, id);
    if (first && first.runs.nodes.length === 0) await makeDue(world, id, 1);
    const ticked = await decided("a tick");
    if (ticked !== "removed" && ticked.enabled) {
      expect("runs of one tick", ticked.runs.nodes.length, 1);
      const [run] = ticked.runs.nodes;
      if (run?.status !== "SUCCEEDED" && ticked.reason === null) {
        await makeDue(world, id, 2);
        const skipped = await decided("a tick that is skipped");
        expect("runs after a skipped tick", skipped !== "removed" && skipped.runs.nodes.length, 1);
      }
      expect("the end of the run", (await seeThrough(world, run?.id ?? "")).status, "SUCCEEDED");
    }
    await world.act("archiveWorkflow", { workflow: ["WorkflowRef!", { name: "Ticked" }] });
    const before = await scheduleOf(world, id);
    if (before?.enabled) await makeDue(world, id, 3);
    const disabled = await decided("a tick without a target");
    if (disabled !== "removed") expect("the schedule whose target is gone", [disabled.enabled, disabled.runs.nodes.length], [false, 1]);
    await world.act("removeSchedule", { schedule: ["ID!", id] });
    expect("the schedule", await scheduleOf(world, id), null);
  },
};

/** An address that hears of runs: what it heard is of the world outside. */
async function openAddress(world: World) {
  const server = createServer((request, response) => {
    const hear = async (): Promise<void> => {
      const { type } = (await json(request)) as { type: string };
      world.outside.heard.push({ id: String(request.headers["webhook-id"]), type });
      response.writeHead(204).end();
    };
    hear().catch(() => request.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/told`,
    close: (): void => {
      server.close();
      server.closeAllConnections();
    },
  };
}

interface Delivery {
  readonly id: string;
  readonly status: string;
}

async function deliveriesOf(world: World, id: string): Promise<readonly Delivery[]> {
  const query = "query ($id: ID!) { node(id: $id) { ... on Webhook { deliveries(first: 50) { nodes { id status } } } } }";
  return (await world.ask<{ node: { deliveries: { nodes: Delivery[] } } | null }>(query, { id })).node?.deliveries.nodes ?? [];
}

/** Waits until an address has heard so much and no delivery is left to make. @returns the deliveries that are not forgotten yet. */
function untilTold(world: World, webhook: string, what: string, isHeard: () => boolean): Promise<readonly Delivery[]> {
  return world.until(what, async () => {
    const deliveries = await deliveriesOf(world, webhook);
    return isHeard() && deliveries.every(({ status }) => status === "DELIVERED") ? deliveries : undefined;
  });
}

const events = ["INTERRUPT_RAISED", "RUN_SUCCEEDED"];

/** An address is told of each event at least once under one id, and is told again where that is asked for. */
export const telling: Scenario = {
  name: "telling",
  reaches: [
    ...["createWebhook", "webhooks.update", "webhooks.remove", "webhooks.claim", "webhooks.record", "webhooks.look"],
    ...["webhooks.redeliver", "webhooks.rotate", "webhooks.forgetDeliveries", "webhooks.forgetSecret"],
  ],
  async prepare(world) {
    await makeWorkflow(world, "Told", [{ key: "allow", kind: "approval", config: { message: "Tell" } }]);
  },
  async play(world) {
    const address = await openAddress(world);
    try {
      // The address is another one after a loss, for the port of the first belongs to whoever was lost.
      const input = { name: "told", url: "http://127.0.0.1:1/told", events, idempotencyKey: "told" };
      // The first secret is not told again once it is forgotten.
      await world.change("createWebhook", input, "webhook { id }", ["NOT_FOUND", "CONFLICT"]);
      const { webhooks } = await world.ask<{ webhooks: { nodes: { id: string }[] } }>("{ webhooks(first: 1) { nodes { id } } }");
      const id = webhooks.nodes[0]?.id;
      // It was removed in the end.
      if (id === undefined) return;
      await world.change("updateWebhook", { webhook: id, url: address.url }, "__typename");
      await world.act("rotateSigningSecret", { webhook: ["ID!", id] });
      // Secrets that are good no more are forgotten at the next start.
      if (!world.outside.attempts.has("rotated")) {
        world.outside.attempts.set("rotated", 1);
        await world.app.restart();
      }
      const run = await start(world, { workflow: { name: "Told" } }, "told", { input: {} });
      expect("the end of the run that is told of", (await seeThrough(world, run)).status, "SUCCEEDED");
      const { heard } = world.outside;
      const typeOf = (): Map<string, string> => new Map(heard.map((told) => [told.id, told.type]));
      const [delivery] = await untilTold(world, id, "all is told", () => typeOf().size >= events.length);
      expect("what is told", [...typeOf().values()].toSorted(), events);
      // A recovery may find them forgotten, as they are a second after they were made.
      if (delivery) {
        const { length } = heard;
        const { code } = await world.act("redeliverWebhook", { delivery: ["ID!", delivery.id] });
        await untilTold(world, id, "it is told again", () => code === "NOT_FOUND" || heard.length > length);
        expect("what is told in the end", [...typeOf().values()].toSorted(), events);
      }
      await world.act("removeWebhook", { webhook: ["ID!", id] });
    } finally {
      address.close();
    }
  },
};

/** A signed call starts one run, however often it comes; where its target is gone the webhook is disabled. */
export const called: Scenario = {
  name: "called",
  reaches: [...["createInboundWebhook", "webhooks.updateInbound", "webhooks.receive", "webhooks.disableInbound", "webhooks.removeInbound"]],
  async prepare(world) {
    await makeWorkflow(world, "Called", [{ key: "allow", kind: "approval", config: { message: "Called" } }]);
  },
  async play(world) {
    const input = { name: "called", target: { workflow: { name: "Called" } }, idempotencyKey: "called" };
    const fields = "signingSecret webhook { id url }";
    const made = await world.change<{ signingSecret: string; webhook: { id: string; url: string } }>(
      "createInboundWebhook",
      input,
      fields,
      ["NOT_FOUND"],
    );
    // It was removed in the end.
    if (!("webhook" in made)) return;
    const { id, url } = made.webhook;
    await world.change("updateInboundWebhook", { webhook: id, name: "renamed" }, "__typename");
    const signed = { secret: made.signingSecret, id: "msg_called" };
    const run = await call(world, url, signed);
    // It was disabled in the end.
    if (run !== "") {
      expect("the run of a call that comes again", await call(world, url, signed), run);
      expect("the end of the called run", (await seeThrough(world, run)).status, "SUCCEEDED");
    }
    expect("what is asked in the end", (await pending(world)).length, 0);
    await world.app.platform.database.commit(({ sql }) =>
      sql.run("update webhooks_inbound set target_id = 'gone' where id = ?", localId(id)),
    );
    expect("a call of what has no target", await call(world, url, { secret: made.signingSecret, id: "msg_late" }), "");
    const { node } = await world.ask<{ node: { enabled: boolean } }>(
      "query ($id: ID!) { node(id: $id) { ... on InboundWebhook { enabled } } }",
      { id },
    );
    expect("whether it is enabled", node.enabled, false);
    await world.act("removeInboundWebhook", { webhook: ["ID!", id] });
  },
};

/** @returns the run; nothing where the webhook is or was disabled. */
async function call(world: World, path: string, { secret, id }: { readonly secret: string; readonly id: string }): Promise<string> {
  const at = new Date();
  const response = await fetch(new URL(path, world.app.url), {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
      "webhook-signature": new Signer(secret).sign(id, at, "{}"),
    },
    body: "{}",
  });
  const { run } = (await response.json()) as { run?: string };
  if (run === undefined && ![404, 409].includes(response.status)) throw new Error(`the call was answered ${response.status}`);
  return run ?? "";
}
