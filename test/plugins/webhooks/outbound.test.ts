import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Webhook as Signer } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { localId } from "#weftline";
import { testViewer, type TestPlatform } from "../../../src/testing/index.ts";
import { change, deliveriesOf, listeningAddress, makeWebhook, one, start, viewers, webhooksPlatform, type Delivery } from "./fixture.ts";

const settled = (deliveries: readonly Delivery[]) => deliveries.length > 0 && deliveries.every(({ status }) => status !== "PENDING");
/** Waits until there are deliveries and none is pending. */
async function ended(app: TestPlatform, webhook: string, viewer = viewers.ada): Promise<readonly Delivery[]> {
  await expect.poll(async () => settled(await deliveriesOf(app, webhook, viewer)), { timeout: 5_000 }).toBe(true);
  return deliveriesOf(app, webhook, viewer);
}
const ofTable = (app: TestPlatform, sql: string) => app.platform.database.read.all<Record<string, string | number | null>>(sql);
const update = (app: TestPlatform, text: string) => app.platform.database.commit(({ sql }) => sql.run(text));

describe("a webhook", () => {
  let app: TestPlatform;
  beforeAll(async () => {
    app = await webhooksPlatform();
  });
  afterAll(() => app.close());

  it("tells its address what became of a run, signed, by ids, type, status and time alone", async () => {
    await using address = await listeningAddress();
    const made = await makeWebhook(app, { url: address.url, events: ["RUN_SUCCEEDED", "RUN_SUCCEEDED", "RUN_FAILED"] });
    const run = await start(app, "something SECRET");
    const [delivery] = await ended(app, made.id);
    expect(delivery).toMatchObject({
      event: "RUN_SUCCEEDED",
      status: "DELIVERED",
      attempts: 1,
      responseStatus: 204,
      error: null,
      nextAttemptAt: null,
    });
    const [request] = address.seen;
    expect(request).toMatchObject({
      method: "POST",
      url: expect.stringContaining("?a=b"),
      headers: { "content-type": "application/json" },
    });
    expect(JSON.parse(request?.body ?? "")).toEqual({
      type: "RUN_SUCCEEDED",
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      data: { run, status: "SUCCEEDED" },
    });
    expect(request?.headers["webhook-id"]).toBe(localId("WebhookDelivery", delivery?.id ?? ""));
    expect(request?.headers["webhook-id"]).not.toContain(".");
    new Signer(made.secret).verify(request?.body ?? "", request?.headers as Record<string, string>);
    expect(address.seen).toHaveLength(1);
  });

  it("tells of failures, cancels and questions, each where it asks for them, and of its owner's runs alone", async () => {
    await using address = await listeningAddress();
    const all = await makeWebhook(app, { url: address.url, events: ["RUN_FAILED", "RUN_CANCELLED", "INTERRUPT_RAISED"] });
    const cancelled = await makeWebhook(app, { url: address.url, events: ["RUN_CANCELLED"] });
    const bobs = await makeWebhook(app, { url: address.url, events: ["RUN_FAILED", "RUN_SUCCEEDED"] }, viewers.bob);
    await start(app, "please fail");
    await start(app, "please ask");
    const waiting = await start(app, "please wait");
    await start(app, "said", viewers.bob);
    await app.graphql("mutation ($run: ID!) { cancelRun(run: $run) { __typename } }", { run: waiting }, viewers.ada);
    await expect
      .poll(async () => (await deliveriesOf(app, all.id)).map(({ event }) => event).toSorted())
      .toEqual(["INTERRUPT_RAISED", "RUN_CANCELLED", "RUN_FAILED"]);
    await ended(app, all.id);
    expect((await ended(app, cancelled.id)).map(({ event }) => event)).toEqual(["RUN_CANCELLED"]);
    await expect.poll(async () => (await deliveriesOf(app, bobs.id, viewers.bob)).map(({ event }) => event)).toEqual(["RUN_SUCCEEDED"]);
    const question = address.seen
      .map(({ body }) => JSON.parse(body) as { type: string; data: object })
      .find(({ type }) => type === "INTERRUPT_RAISED");
    expect(question?.data).toEqual({ run: expect.any(String), interrupt: expect.any(String) });
    expect(JSON.stringify(address.seen)).not.toMatch(/colour|please|as told/);
  });

  it("tries again after a failure with the same webhook-id, and gives up in the end", async () => {
    const answers = [500, 302];
    await using address = await listeningAddress(() => answers.shift() ?? 204);
    await using broken = await listeningAddress(() => 503);
    const made = await makeWebhook(app, { url: address.url });
    const dead = await makeWebhook(app, { url: broken.url });
    await start(app, "said");
    const [delivery] = await ended(app, made.id);
    expect(delivery).toMatchObject({ status: "DELIVERED", attempts: 3, responseStatus: 204, error: null });
    expect(new Set(address.seen.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
    expect(address.seen).toHaveLength(3);
    const [letter] = await ended(app, dead.id);
    expect(letter).toMatchObject({
      status: "FAILED",
      attempts: 3,
      responseStatus: 503,
      error: "The address answered 503.",
      nextAttemptAt: null,
    });
    await change(app, "removeWebhook", dead.id);
  });

  it("is not sent to an address that leads to a private one, and says no more than that", async () => {
    const made = await makeWebhook(app, { url: "http://localhost:8080/" });
    await update(app, "update webhooks_webhook set url = 'http://10.0.0.1/' where url like '%localhost%'");
    await start(app, "said");
    const [delivery] = await ended(app, made.id);
    expect(delivery).toMatchObject({
      status: "FAILED",
      responseStatus: null,
      error: expect.stringContaining("Requests to this address are refused"),
    });
    expect(delivery?.error).not.toContain("10.0.0.1");
    await change(app, "removeWebhook", made.id);
  });

  it("is delivered again by hand, with the same id, also where it had arrived", async () => {
    await using address = await listeningAddress();
    const made = await makeWebhook(app, { url: address.url });
    await start(app, "said");
    const [first] = await ended(app, made.id);
    const again = await change(app, "redeliverWebhook", first?.id ?? "");
    expect(again.delivery).toMatchObject({ id: first?.id });
    await expect.poll(async () => (await deliveriesOf(app, made.id))[0]).toMatchObject({ status: "DELIVERED", attempts: 2 });
    expect(new Set(address.seen.map(({ headers, body }) => `${headers["webhook-id"]} ${body}`)).size).toBe(1);
    expect(await change(app, "redeliverWebhook", first?.id ?? "", viewers.bob)).toMatchObject({ code: "NOT_FOUND" });
    await change(app, "updateWebhook", { webhook: made.id, enabled: false });
    expect(await change(app, "redeliverWebhook", first?.id ?? "")).toMatchObject({ code: "CONFLICT", path: ["delivery"] });
    const unheard = await start(app, "unheard");
    await expect.poll(() => one(app, unheard, "Run", "status")).toEqual({ status: "SUCCEEDED" });
    await change(app, "updateWebhook", { webhook: made.id, enabled: true });
    expect(await deliveriesOf(app, made.id)).toHaveLength(1);
  });

  it("signs with both secrets after a rotation", async () => {
    await using address = await listeningAddress();
    const made = await makeWebhook(app, { url: address.url });
    const { signingSecret = "" } = await change(app, "rotateSigningSecret", made.id);
    await start(app, "said");
    await ended(app, made.id);
    const { body = "", headers = {} } = address.seen[0] ?? {};
    for (const secret of [made.secret, signingSecret]) new Signer(secret).verify(body, headers as Record<string, string>);
    await update(app, "update webhooks_webhook set previous_until = 1");
    await start(app, "said");
    await expect.poll(() => address.seen.length).toBe(2);
    expect(String(address.seen[1]?.headers["webhook-signature"]).split(" ")).toHaveLength(1);
  });

  it("holds up no other while its address does not answer", async () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    await using slow = await listeningAddress(() => promise);
    await using quick = await listeningAddress();
    const held = await makeWebhook(app, { url: slow.url });
    const free = await makeWebhook(app, { url: quick.url });
    for (const text of ["one", "two"]) await start(app, text);
    await expect.poll(async () => (await ended(app, free.id)).length).toBe(2);
    expect((await deliveriesOf(app, held.id)).map(({ status }) => status)).toEqual(["PENDING", "PENDING"]);
    resolve(204);
    expect((await ended(app, held.id)).map(({ attempts }) => attempts)).toEqual([1, 1]);
  });

  it("of one owner holds up nobody else's, however many of them do not answer", async () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    await using slow = await listeningAddress(() => promise);
    await using quick = await listeningAddress();
    const held = await Promise.all(Array.from({ length: 34 }, () => makeWebhook(app, { url: slow.url, events: ["RUN_CANCELLED"] })));
    const bobs = await makeWebhook(app, { url: quick.url, events: ["RUN_SUCCEEDED"] }, viewers.bob);
    const waiting = await start(app, "please wait");
    await app.graphql("mutation ($run: ID!) { cancelRun(run: $run) { __typename } }", { run: waiting }, viewers.ada);
    await expect.poll(() => slow.seen.length).toBe(8);
    await start(app, "said", viewers.bob);
    expect((await ended(app, bobs.id, viewers.bob)).map(({ status }) => status)).toEqual(["DELIVERED"]);
    expect(slow.seen).toHaveLength(8);
    resolve(204);
    await expect.poll(() => slow.seen.length).toBe(34);
    for (const { id } of held) await change(app, "removeWebhook", id);
  });

  it("gives its place to another that waits after each delivery: of an owner with fewer first, then in turn", async () => {
    const held = ["ada", "bob", "carl", "dana"].map((id) => ({ owner: testViewer(id), release: [] as ((status: number) => void)[] }));
    const eve = testViewer("eve");
    await using places = new AsyncDisposableStack();
    const slow = await Promise.all(
      held.map(async ({ owner, release }) => {
        const address = places.use(
          await listeningAddress(() => {
            const { promise, resolve } = Promise.withResolvers<number>();
            release.push(resolve);
            return promise;
          }),
        );
        const made = await Promise.all(Array.from({ length: 8 }, () => makeWebhook(app, { url: address.url }, owner)));
        return { owner, address, release, made };
      }),
    );
    const [adas] = slow;
    await using quick = await listeningAddress();
    const answered = Promise.withResolvers<number>();
    await using ninth = await listeningAddress(() => answered.promise);
    const adasNinth = await makeWebhook(app, { url: ninth.url });
    const eves = await makeWebhook(app, { url: quick.url }, eve);
    for (const { owner } of slow) for (const text of ["one", "two"]) await start(app, text, owner);
    const seen = () => slow.map(({ address }) => address.seen.length);
    await expect.poll(seen).toEqual([8, 8, 8, 8]);
    await start(app, "said", eve);
    await expect.poll(async () => (await deliveriesOf(app, eves.id, eve)).length).toBe(1);
    adas?.release.shift()?.(204);
    expect((await ended(app, eves.id, eve)).map(({ status }) => status)).toEqual(["DELIVERED"]);
    await expect.poll(() => ninth.seen.length).toBeGreaterThan(0);
    expect(seen()).toEqual([8, 8, 8, 8]);
    answered.resolve(204);
    // In the end all of it arrives, once and in order.
    const releaseAll = () => {
      for (const { release } of slow) for (const each of release.splice(0)) each(204);
      return seen();
    };
    await expect.poll(releaseAll, { timeout: 5_000 }).toEqual([16, 16, 16, 16]);
    releaseAll();
    for (const { owner, made } of slow)
      for (const { id } of made) expect((await ended(app, id, owner)).map(({ attempts }) => attempts)).toEqual([1, 1]);
    expect(await ended(app, adasNinth.id)).toHaveLength(2);
    for (const { owner, made } of slow) for (const { id } of made) await change(app, "removeWebhook", id, owner);
  });

  it("shows its secret nowhere else than where it was made", async () => {
    await using address = await listeningAddress();
    const made = await makeWebhook(app, { url: address.url });
    await start(app, "said");
    await ended(app, made.id);
    const tables = await ofTable(app, "select name from sqlite_master where type = 'table'");
    const key = made.secret.slice("whsec_".length);
    for (const { name } of tables) expect(JSON.stringify(await ofTable(app, `select * from "${name}"`)), String(name)).not.toContain(key);
  });
});

describe("webhooks of the graph", () => {
  let app: TestPlatform;
  beforeAll(async () => {
    app = await webhooksPlatform({ perOwner: 3 });
  });
  afterAll(() => app.close());
  const input = { name: "n", url: "https://example.com/hook", events: ["RUN_FAILED"] };

  it("are refused with what is wrong, all of it, and nothing is written", async () => {
    for (const [given, path] of [
      [{ url: "http://10.0.0.1/" }, ["input", "url"]],
      [{ url: "file:///etc/passwd" }, ["input", "url"]],
      [{ url: "https://user:hunter2@example.com/" }, ["input", "url"]],
      [{ events: [] }, ["input", "events"]],
      [{ name: "" }, ["input", "name"]],
    ] as const) {
      const outcome = await change(app, "createWebhook", { ...input, ...given });
      expect(outcome, JSON.stringify(given)).toMatchObject({ code: "INVALID_INPUT", path });
      expect(outcome.message).not.toContain("hunter2");
    }
    expect(await ofTable(app, "select * from webhooks_webhook")).toEqual([]);
    expect(await ofTable(app, "select * from platform_sealed_value")).toEqual([]);
  });

  it("are changed, listed, limited and removed with all that they have", async () => {
    const made = await makeWebhook(app, input);
    for (const cleared of ["name", "url", "events", "enabled"])
      expect(await change(app, "updateWebhook", { webhook: made.id, [cleared]: null })).toMatchObject({ path: ["input", cleared] });
    expect((await change(app, "updateWebhook", { webhook: made.id, name: " new ", events: ["RUN_SUCCEEDED"] })).webhook?.name).toBe("new");
    await makeWebhook(app, input);
    await makeWebhook(app, input);
    expect(await change(app, "createWebhook", input)).toMatchObject({ code: "RATE_LIMITED" });
    expect(await app.graphql("{ webhooks(last: 1) { totalCount nodes { name } } }", {}, viewers.ada)).toEqual({
      webhooks: { totalCount: 3, nodes: [{ name: "new" }] },
    });
    expect(await one(app, made.id, "Webhook", "name", viewers.bob)).toBeNull();
    expect(await one(app, made.id, "Webhook", "name url enabled", viewers.admin)).toEqual({ name: "", url: "", enabled: true });
    expect(await change(app, "updateWebhook", { webhook: made.id, name: "mine" }, viewers.admin)).toMatchObject({ code: "NOT_FOUND" });
    await start(app, "said");
    await expect.poll(async () => (await ofTable(app, "select * from webhooks_delivery")).length).toBe(1);
    await change(app, "removeWebhook", made.id);
    expect(await ofTable(app, "select * from webhooks_delivery")).toEqual([]);
    expect(await ofTable(app, "select * from platform_sealed_value")).toHaveLength(2);
  });
});

describe("a webhook whose address fails", () => {
  it("is disabled with the reason after so many deliveries in a row, or at once by 410, and gives up what waits", async () => {
    await using app = await webhooksPlatform({ failures: 2, retryMs: [] });
    await using broken = await listeningAddress(() => 500);
    await using gone = await listeningAddress(() => 410);
    const failing = await makeWebhook(app, { url: broken.url });
    const unwanted = await makeWebhook(app, { url: gone.url });
    await start(app, "one");
    await expect.poll(async () => (await one<{ reason: string }>(app, unwanted.id, "Webhook", "reason"))?.reason).toMatch(/answered 410/);
    await ended(app, failing.id);
    expect(await one(app, failing.id, "Webhook", "enabled")).toEqual({ enabled: true });
    await start(app, "two");
    const expected = { enabled: false, reason: "2 deliveries in a row failed; the last one: The address answered 500." };
    await expect.poll(() => one(app, failing.id, "Webhook", "enabled reason")).toEqual(expected);
    expect((await change(app, "updateWebhook", { webhook: failing.id, enabled: true })).webhook).toMatchObject({
      enabled: true,
      reason: null,
    });
  });

  it("is disabled where too many deliveries wait for it", async () => {
    await using app = await webhooksPlatform({ pending: 2, retryMs: [3_600_000] });
    await using broken = await listeningAddress(() => 500);
    const made = await makeWebhook(app, { url: broken.url });
    for (const text of ["one", "two", "three"]) await start(app, text);
    await expect.poll(() => one(app, made.id, "Webhook", "reason")).toEqual({ reason: "More than 2 deliveries wait for it." });
    expect((await deliveriesOf(app, made.id)).every(({ status }) => status === "FAILED")).toBe(true);
  });
});

describe("a process that ends", () => {
  it("loses no delivery: what it had not sent, or was sending, the next one sends", async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "weftline-webhooks-"));
    const answers = [500, 500];
    await using address = await listeningAddress(() => answers.shift() ?? 204);
    const first = await webhooksPlatform({ retryMs: [3_600_000] }, { dataDir });
    const made = await makeWebhook(first, { url: address.url });
    await start(first, "one");
    await start(first, "two");
    await expect.poll(() => address.seen.length).toBe(2);
    await expect.poll(async () => (await ofTable(first, "select 1 from webhooks_delivery where response_status = 500")).length).toBe(2);
    await first.close();
    // One as a process leaves it that is lost while it sends, one that was never sent.
    const second = await webhooksPlatform({}, { dataDir });
    try {
      await update(second, "update webhooks_delivery set next_attempt_at = 1, attempts = 0, tries = 0");
      await second.restart();
      const deliveries = await ended(second, made.id);
      expect(deliveries.map(({ status }) => status)).toEqual(["DELIVERED", "DELIVERED"]);
      expect(new Set(address.seen.map(({ headers }) => headers["webhook-id"])).size).toBe(2);
    } finally {
      await second.close();
      rmSync(dataDir, { recursive: true });
    }
  });

  it("forgets old deliveries and secrets at its start, and never what is to be sent", async () => {
    await using app = await webhooksPlatform({ retryMs: [3_600_000] });
    await using address = await listeningAddress();
    await using broken = await listeningAddress(() => 500);
    const made = await makeWebhook(app, { url: address.url });
    const waits = await makeWebhook(app, { url: broken.url });
    await start(app, "said");
    await ended(app, made.id);
    await expect.poll(() => broken.seen.length).toBe(1);
    await change(app, "rotateSigningSecret", made.id);
    await update(app, "update webhooks_webhook set previous_until = 1");
    await update(app, `update webhooks_delivery set created_at = ${Date.now() - 31 * 24 * 3_600_000}`);
    await app.restart();
    await expect.poll(async () => (await deliveriesOf(app, made.id)).length).toBe(0);
    expect(await deliveriesOf(app, waits.id)).toHaveLength(1);
    await expect.poll(async () => (await ofTable(app, "select * from platform_sealed_value")).length).toBe(2);
  });
});
