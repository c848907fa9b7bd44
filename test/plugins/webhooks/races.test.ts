import { request } from "node:http";
import { Webhook as Signer } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { authenticators, contribution, definePlugin } from "#weftline";
import type { TestPlatform } from "../../../src/testing/index.ts";
import { localServer } from "../../outgoing/servers.ts";
import {
  call,
  change,
  deliveriesOf,
  listeningAddress,
  makeInbound,
  makeWebhook,
  one,
  start,
  viewers,
  webhooksPlatform,
  type Delivery,
  type Made,
} from "./fixture.ts";

const runs = async (app: TestPlatform) => (await app.platform.database.read.get<{ n: number }>("select count(*) as n from runs_run"))?.n;
const only = async (app: TestPlatform, webhook: Made): Promise<Delivery | undefined> => (await deliveriesOf(app, webhook.id))[0];
const forgetKey = (app: TestPlatform) =>
  app.platform.database.commit(({ sql }) => sql.run("update platform_sealed_value set key_id = 'lost' || key_id"));
const findKey = (app: TestPlatform) =>
  app.platform.database.commit(({ sql }) => sql.run("update platform_sealed_value set key_id = replace(key_id, 'lost', '')"));

/** A call whose body ends once something else has happened. */
async function slowCall(app: TestPlatform, { url, secret }: Made, during: () => Promise<unknown>): Promise<number | undefined> {
  const at = new Date();
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  const headers = {
    "webhook-id": "msg_slow",
    "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
    "webhook-signature": new Signer(secret).sign("msg_slow", at, "{}"),
  };
  const sent = request(new URL(url, app.url), { method: "POST", headers }, (response) => resolve(response.resume().statusCode));
  sent.once("error", reject).write("{");
  // Another call is served after the first one was found.
  await call(app, url, { secret });
  await during();
  sent.end("}");
  return promise;
}

describe("a call of an inbound webhook", () => {
  it("starts nothing where the webhook is disabled, or its secret is replaced for good, while the body arrives", async () => {
    await using app = await webhooksPlatform({ overlapMs: 0 }, { viewers: Object.values(viewers) });
    const made = await makeInbound(app);
    const changes = [
      { change: () => change(app, "updateInboundWebhook", { webhook: made.id, enabled: false }), status: 404 },
      { change: () => change(app, "rotateSigningSecret", made.id), status: 401 },
    ];
    for (const { change: during, status } of changes) {
      await change(app, "updateInboundWebhook", { webhook: made.id, enabled: true });
      const before = (await runs(app)) ?? 0;
      expect(await slowCall(app, made, during)).toBe(status);
      expect(await runs(app)).toBe(before + 1);
    }
  });

  it("whose target is gone runs the one that its owner has chosen meanwhile, and disables nothing", async () => {
    let meanwhile: (() => Promise<unknown>) | undefined;
    const directory = definePlugin({
      id: "directory",
      contributes: [
        contribution(authenticators, "directory", {
          open: false,
          authenticate: () => undefined,
          async viewerOf(actor) {
            await meanwhile?.();
            meanwhile = undefined;
            return { ...actor, name: actor.actorId, roles: [] };
          },
        }),
      ],
    });
    await using app = await webhooksPlatform({}, { plugins: [directory()], viewers: [] });
    const { id, url, secret } = await makeInbound(app);
    await app.platform.database.commit(({ sql }) => sql.run("update webhooks_inbound set target_id = 'gone'"));
    meanwhile = () => change(app, "updateInboundWebhook", { webhook: id, target: { agent: { name: "worker" } } });
    expect((await call(app, url, { secret })).status).toBe(202);
    expect(await one(app, id, "InboundWebhook", "enabled reason target { name }")).toEqual({
      enabled: true,
      reason: null,
      target: { name: "worker" },
    });
    meanwhile = () => change(app, "updateInboundWebhook", { webhook: id, enabled: false });
    expect((await call(app, url, { secret })).status).toBe(404);
  });

  it("that the server has no key for is answered 503, and its sender learns nothing of keys and folders", async () => {
    await using app = await webhooksPlatform({}, { viewers: Object.values(viewers) });
    const { url, secret } = await makeInbound(app);
    await forgetKey(app);
    const { status, text } = await call(app, url, { secret });
    expect(status).toBe(503);
    expect(text).not.toMatch(/key|\/|lost/i);
    await findKey(app);
    expect((await call(app, url, { secret })).status).toBe(202);
  });

  it("is signed with the new secret at once, where the key of the old one is lost", async () => {
    await using app = await webhooksPlatform({}, { viewers: Object.values(viewers) });
    const { id, url } = await makeInbound(app);
    await using address = await listeningAddress();
    const told = await makeWebhook(app, { url: address.url });
    await forgetKey(app);
    const { signingSecret: secret = "" } = await change(app, "rotateSigningSecret", id);
    const { signingSecret = "" } = await change(app, "rotateSigningSecret", told.id);
    expect((await call(app, url, { secret })).status).toBe(202);
    await expect.poll(() => only(app, told)).toMatchObject({ status: "DELIVERED", attempts: 1 });
    const { body = "", headers = {} } = address.seen[0] ?? {};
    new Signer(signingSecret).verify(body, headers as Record<string, string>);
  });

  it("whose target is gone cannot be enabled before it has another", async () => {
    await using app = await webhooksPlatform();
    const { id } = await makeInbound(app, { enabled: false });
    await app.platform.database.commit(({ sql }) => sql.run("update webhooks_inbound set target_id = 'gone'"));
    expect(await change(app, "updateInboundWebhook", { webhook: id, enabled: true })).toMatchObject({ code: "NOT_FOUND" });
    const target = { agent: { name: "worker" } };
    expect((await change(app, "updateInboundWebhook", { webhook: id, enabled: true, target })).webhook).toMatchObject({ enabled: true });
  });
});

describe("a delivery under way", () => {
  /** Answers the first request when told to, and others at once. */
  async function heldAddress(status: number) {
    const { promise, resolve } = Promise.withResolvers<number>();
    let isFirst = true;
    const address = await listeningAddress(() => {
      if (!isFirst) return 204;
      isFirst = false;
      return promise;
    });
    return { address, answer: () => resolve(status) };
  }

  it.each([410, 500])("to an address that was replaced meanwhile goes to the new one, though the old one answers %i", async (status) => {
    await using app = await webhooksPlatform({ failures: 1, retryMs: [] });
    const { address, answer } = await heldAddress(status);
    await using old = address;
    await using fresh = await listeningAddress();
    const made = await makeWebhook(app, { url: old.url });
    await start(app, "said");
    await expect.poll(() => old.seen.length).toBe(1);
    await change(app, "updateWebhook", { webhook: made.id, url: fresh.url });
    answer();
    await expect.poll(() => only(app, made)).toMatchObject({ status: "DELIVERED", attempts: 2 });
    expect(fresh.seen).toHaveLength(1);
    expect(await one(app, made.id, "Webhook", "enabled reason")).toEqual({ enabled: true, reason: null });
  });

  it("that is asked for again is sent again, also where its last attempt then fails", async () => {
    await using app = await webhooksPlatform({ retryMs: [] });
    const { address, answer } = await heldAddress(500);
    await using held = address;
    const made = await makeWebhook(app, { url: held.url });
    await start(app, "said");
    await expect.poll(() => held.seen.length).toBe(1);
    const { id = "" } = (await only(app, made)) ?? {};
    await Promise.all([change(app, "redeliverWebhook", id), change(app, "redeliverWebhook", id)]);
    answer();
    await expect.poll(() => only(app, made)).toMatchObject({ status: "DELIVERED", attempts: 2 });
    expect(held.seen).toHaveLength(2);
  });

  it("arrived, also where the webhook is disabled meanwhile", async () => {
    await using app = await webhooksPlatform();
    const { address, answer } = await heldAddress(204);
    await using held = address;
    const made = await makeWebhook(app, { url: held.url });
    await start(app, "said");
    await expect.poll(() => held.seen.length).toBe(1);
    await change(app, "updateWebhook", { webhook: made.id, enabled: false });
    expect(await only(app, made)).toMatchObject({ status: "FAILED", nextAttemptAt: null });
    answer();
    await expect.poll(() => only(app, made)).toMatchObject({ status: "DELIVERED", error: null, nextAttemptAt: null });
  });
});

it("a delivery that cannot be signed waits for the key, without an attempt that counts", async () => {
  await using app = await webhooksPlatform({ retryMs: [], failures: 1 });
  await using address = await listeningAddress();
  const made = await makeWebhook(app, { url: address.url });
  await forgetKey(app);
  for (const text of ["one", "two"]) await start(app, text);
  const error = "The server cannot sign it now. Ask its operator, who sees why.";
  await expect.poll(async () => (await deliveriesOf(app, made.id)).map((each) => each.error)).toContain(error);
  await findKey(app);
  await app.platform.database.commit(({ sql }) => sql.run("update webhooks_delivery set next_attempt_at = 1"));
  await start(app, "three");
  await expect.poll(async () => (await deliveriesOf(app, made.id)).map(({ status }) => status)).toEqual(Array(3).fill("DELIVERED"));
  expect((await deliveriesOf(app, made.id)).map(({ attempts }) => attempts)).toEqual([1, 1, 1]);
  expect(await one(app, made.id, "Webhook", "enabled")).toEqual({ enabled: true });
});

it("a delivery waits as long as a busy address asks for, a day at most", async () => {
  const hour = 3_600_000;
  await using app = await webhooksPlatform({ retryMs: [20] });
  const cases: readonly (readonly [header: string, status: number, from: number, to: number])[] = [
    ["7200", 429, 1.9 * hour, 2 * hour],
    [new Date(Date.now() + 2 * hour).toUTCString(), 503, 1.9 * hour, 2 * hour],
    ["999999999", 429, 23 * hour, 24 * hour],
  ];
  for (const [header, status, from, to] of cases) {
    await using busy = await localServer((_, response) => void response.writeHead(status, { "retry-after": header }).end());
    const made = await makeWebhook(app, { url: `http://127.0.0.1:${busy.port}/` });
    const before = Date.now();
    await start(app, "said");
    await expect.poll(() => only(app, made)).toMatchObject({ status: "PENDING", responseStatus: status, attempts: 1 });
    const waits = Date.parse((await only(app, made))?.nextAttemptAt ?? "") - before;
    expect([waits >= from, waits <= to + 60_000]).toEqual([true, true]);
    await change(app, "removeWebhook", made.id);
  }
});

it("nothing is told to an owner who lost access, whose webhook is disabled for it; one who cannot be looked up is told", async () => {
  let known: () => Promise<boolean> | boolean = () => true;
  const directory = definePlugin({
    id: "directory",
    contributes: [
      contribution(authenticators, "directory", {
        open: false,
        authenticate: () => undefined,
        viewerOf: async (actor) => ((await known()) ? { ...actor, name: actor.actorId, roles: [] } : undefined),
      }),
    ],
  });
  await using app = await webhooksPlatform({ answerMs: 200 }, { plugins: [directory()], viewers: [] });
  await using address = await listeningAddress();
  const made = await makeWebhook(app, { url: address.url });
  const unknowable = [() => Promise.reject(new Error("the directory is away")), () => new Promise<boolean>(() => {})];
  for (const [at, answer] of unknowable.entries()) {
    known = answer;
    await start(app, "said");
    await expect.poll(() => address.seen.length).toBe(at + 1);
  }
  known = () => false;
  await start(app, "said");
  await expect
    .poll(() => one(app, made.id, "Webhook", "enabled reason"))
    .toMatchObject({ enabled: false, reason: expect.stringMatching(/no access/) });
  expect((await deliveriesOf(app, made.id)).map(({ status }) => status).toSorted()).toEqual(["DELIVERED", "DELIVERED", "FAILED"]);
  expect(address.seen).toHaveLength(2);
});
