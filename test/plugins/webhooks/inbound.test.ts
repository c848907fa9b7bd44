import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { json as jsonOf } from "node:stream/consumers";
import { Webhook as Signer } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { globalId, localId } from "#weftline";
import { authService } from "../../../src/plugins/auth/contract.ts";
import type { TestPlatform } from "../../../src/testing/index.ts";
import { authPlugin, call, change, makeInbound, one, viewers, webhooksPlatform, type Made } from "./fixture.ts";

interface SeenRun {
  readonly status: string;
  readonly trigger: string;
  readonly input: unknown;
  readonly owner: { readonly name: string };
}

const runOf = (app: TestPlatform, id: string) => one<SeenRun>(app, id, "Run", "status trigger input owner { name }");
const count = async (app: TestPlatform, table: string): Promise<number> =>
  (await app.platform.database.read.get<{ n: number }>(`select count(*) as n from ${table}`))?.n ?? 0;

describe("a call of an inbound webhook", () => {
  let app: TestPlatform;
  let made: Made;
  beforeAll(async () => {
    app = await webhooksPlatform({ bodyBytes: 10_000 }, { viewers: Object.values(viewers) });
    made = await makeInbound(app);
  });
  afterAll(() => app.close());

  it("starts a run with its body as the input, as its owner, and is answered 202 with the run", async () => {
    expect(made).toMatchObject({ enabled: true, url: `/webhooks/${localId("InboundWebhook", made.id)}`, lastUsedAt: null });
    expect(made.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const answer = await call(app, made.url, { secret: made.secret, body: JSON.stringify({ ref: "main", n: [1, "ü"] }) });
    expect(answer.status).toBe(202);
    const run = answer.json.run ?? "";
    expect(await runOf(app, run)).toMatchObject({ trigger: "WEBHOOK", input: { ref: "main", n: [1, "ü"] }, owner: { name: "ada" } });
    await expect.poll(async () => (await runOf(app, run))?.status).toBe("SUCCEEDED");
    expect((await one<{ lastUsedAt: string }>(app, made.id, "InboundWebhook", "lastUsedAt"))?.lastUsedAt).toMatch(/^\d{4}-/);
    expect(await one(app, run, "Run", "id", viewers.bob)).toBeNull();
  });

  it("that comes again gets the first answer and starts nothing, also at the same time", async () => {
    const again = { secret: made.secret, id: "msg_same", body: '{"a":1}' };
    const before = await count(app, "runs_run");
    const answers = await Promise.all([call(app, made.url, again), call(app, made.url, { ...again, age: 5 }), call(app, made.url, again)]);
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(await count(app, "runs_run")).toBe(before + 1);
    const other = await call(app, made.url, { ...again, body: '{"a":2}' });
    expect([other.status, other.json.errors?.[0]?.extensions.code]).toEqual([409, "IDEMPOTENCY_CONFLICT"]);
    const another = await makeInbound(app, { name: "another" });
    expect((await call(app, another.url, { ...again, secret: another.secret })).json.run).not.toBe(answers[0]?.json.run);
  });

  it("without a right signature is answered 401 with the same words, and writes nothing", async () => {
    const { secret } = made;
    const other = await makeInbound(app, { name: "other" });
    const cases = {
      "another secret": { secret: other.secret },
      "no id": { secret, headers: { "webhook-id": undefined } },
      "no timestamp": { secret, headers: { "webhook-timestamp": undefined } },
      "no signature": { secret, headers: { "webhook-signature": undefined } },
      "an empty signature": { secret, headers: { "webhook-signature": "" } },
      "a signature of another version": { secret, headers: { "webhook-signature": "v1a,AAAA" } },
      "a signature without a value": { secret, headers: { "webhook-signature": "v1" } },
      "too many signatures": { secret, headers: { "webhook-signature": "v1,x ".repeat(11).trim() } },
      "another id than was signed": { secret, headers: { "webhook-id": "msg_other" } },
      "another time than was signed": { secret, headers: { "webhook-timestamp": String(Math.floor(Date.now() / 1_000) - 1) } },
      "a time that is none": { secret, headers: { "webhook-timestamp": `${Math.floor(Date.now() / 1_000)}x` } },
      "a time that is too old": { secret, age: 301 },
      "a time to come": { secret, age: -305 },
      "an id that is too long": { secret, id: "x".repeat(201) },
      "an id with a space": { secret, id: "a b" },
    };
    const rows = async () => [await count(app, "runs_run"), await count(app, "platform_idempotency_key")];
    const before = await rows();
    for (const [what, each] of Object.entries(cases)) {
      const answer = await call(app, made.url, each);
      expect([what, answer.status, answer.json.errors?.[0]?.extensions.code], what).toEqual([what, 401, "UNAUTHENTICATED"]);
      expect(answer.json.errors?.[0]?.message).toBe("The call is not signed as this webhook expects.");
    }
    const tampered = await fetch(new URL(made.url, app.url), { method: "POST", headers: { authorization: "Bearer ada" }, body: "{}" });
    expect(tampered.status).toBe(401);
    expect(await rows()).toEqual(before);
    expect((await call(app, made.url, { secret, age: 295 })).status).toBe(202);
    expect((await call(app, made.url, { secret, age: -290 })).status).toBe(202);
  });

  it("with one of several signatures right is taken, as while a sender rotates its own", async () => {
    const now = new Date();
    const right = new Signer(made.secret).sign("msg_several", now, "{}");
    const signatures = `v1a,AAAA v1,${Buffer.alloc(32).toString("base64")} ${right}`;
    const headers = { "webhook-timestamp": String(Math.floor(now.getTime() / 1_000)), "webhook-signature": signatures };
    expect((await call(app, made.url, { secret: made.secret, id: "msg_several", headers })).status).toBe(202);
  });

  it("that is not JSON, or longer than allowed, is refused", async () => {
    const { secret } = made;
    for (const body of ["", "{", "undefined", "{}{}", Uint8Array.of(0x22, 0xff, 0x22)]) {
      const { status } = await call(app, made.url, { secret, body });
      expect([String(body), [400, 401].includes(status)]).toEqual([String(body), true]);
    }
    const { errors } = (await call(app, made.url, { secret, body: "{" })).json;
    const issues = [{ path: ["body"], message: "The body is not JSON." }];
    expect(errors?.[0]?.extensions).toMatchObject({ code: "INVALID_INPUT", issues });
    expect((await call(app, made.url, { secret, body: JSON.stringify("x".repeat(10_000)) })).status).toBe(413);
    const endless = new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(4_000)) });
    const headers = { "webhook-id": "a", "webhook-timestamp": String(Math.floor(Date.now() / 1_000)), "webhook-signature": "v1,x" };
    const cut = await fetch(new URL(made.url, app.url), { method: "POST", headers, body: endless, duplex: "half" } as RequestInit).catch(
      () => undefined,
    );
    expect(cut?.status ?? 413).toBe(413);
  });

  it("whose body is slow to arrive is refused with 408, while others are served", async () => {
    await using strict = await webhooksPlatform({ bodyMs: 300 }, { viewers: Object.values(viewers) });
    const { url, secret } = await makeInbound(strict);
    const headers = {
      "content-length": "100",
      "webhook-id": "slow",
      "webhook-timestamp": String(Math.floor(Date.now() / 1_000)),
      "webhook-signature": "v1,x",
    };
    const slow = request(new URL(url, strict.url), { method: "POST", headers });
    const answered = once(slow, "response") as Promise<[IncomingMessage]>;
    slow.write("{");
    expect((await call(strict, url, { secret })).status).toBe(202);
    const [response] = await answered;
    expect([response.statusCode, response.headers.connection]).toEqual([408, "close"]);
    expect(await jsonOf(response)).toMatchObject({
      errors: [{ message: "The request took over 0.3 s to arrive.", extensions: { code: "REQUEST_TIMEOUT" } }],
    });
    slow.destroy();
  });

  it("is answered 404 alike where the webhook is unknown, disabled, removed or not named alone, and 405 for other methods", async () => {
    const gone = await makeInbound(app, { name: "gone" });
    const disabled = await makeInbound(app, { name: "disabled", enabled: false });
    await change(app, "removeInboundWebhook", gone.id);
    const answers = [];
    for (const [path, secret] of [
      [gone.url, gone.secret],
      [disabled.url, disabled.secret],
      ["/webhooks/nowhere", made.secret],
      ["/webhooks", made.secret],
      [`${made.url}/more`, made.secret],
    ] as const)
      answers.push(await call(app, path, { secret }));
    const shapes = answers.map(({ status, json }) =>
      JSON.stringify([status, json.errors?.[0]?.message, json.errors?.[0]?.extensions.code]),
    );
    expect(new Set(shapes)).toEqual(new Set([JSON.stringify([404, "There is no such webhook.", "NOT_FOUND"])]));
    expect((await fetch(new URL(made.url, app.url))).status).toBe(405);
    expect(await count(app, "platform_sealed_value")).toBe(await count(app, "webhooks_inbound"));
  });

  it("is signed with the new secret after a rotation, and with the old one for a while", async () => {
    const rotated = await makeInbound(app, { name: "rotated" });
    const status = async (secret = "") => (await call(app, rotated.url, { secret })).status;
    const next = async () => (await change(app, "rotateSigningSecret", rotated.id)).signingSecret ?? "";
    const second = await next();
    expect([await status(rotated.secret), await status(second)]).toEqual([202, 202]);
    const third = await next();
    expect([await status(rotated.secret), await status(second), await status(third)]).toEqual([401, 202, 202]);
    await app.platform.database.commit(({ sql }) => sql.run("update webhooks_inbound set previous_until = 1 where name = 'rotated'"));
    expect([await status(second), await status(third)]).toEqual([401, 202]);
  });

  it("is counted for its webhook", async () => {
    await using small = await webhooksPlatform({ callsPerMinute: 2 }, { viewers: Object.values(viewers) });
    const { url, secret } = await makeInbound(small);
    const statuses = [];
    for (const each of [secret, `${made.secret}`, secret, secret]) statuses.push((await call(small, url, { secret: each })).status);
    expect(statuses).toEqual([202, 401, 202, 429]);
  });

  it("is refused with 409 while its target takes no runs, and the webhook stays", async () => {
    const stop = `mutation { stopAgent(agent: { name: "worker" }) { __typename } }`;
    await app.graphql(stop, {}, viewers.ada);
    const answer = await call(app, made.url, { secret: made.secret });
    expect([answer.status, answer.json.errors?.[0]?.extensions.code]).toEqual([409, "AGENT_NOT_ACTIVE"]);
    await app.graphql(`mutation { startAgent(agent: { name: "worker" }) { __typename } }`, {}, viewers.ada);
    expect((await call(app, made.url, { secret: made.secret })).status).toBe(202);
  });

  it("whose target is gone disables the webhook with the reason, which its sender is not told", async () => {
    const lost = await makeInbound(app, { name: "lost" });
    await app.platform.database.commit(({ sql }) => sql.run("update webhooks_inbound set target_id = 'gone' where name = 'lost'"));
    const answer = await call(app, lost.url, { secret: lost.secret });
    expect([answer.status, answer.json.errors?.[0]?.extensions.code]).toEqual([409, "WEBHOOK_DISABLED"]);
    expect(answer.text).not.toContain("target");
    expect(await one(app, lost.id, "InboundWebhook", "enabled reason target { name }")).toEqual({
      enabled: false,
      reason: "Its target is gone.",
      target: null,
    });
    expect((await call(app, lost.url, { secret: lost.secret })).status).toBe(404);
    const target = { agent: { name: "worker" } };
    expect((await change(app, "updateInboundWebhook", { webhook: lost.id, target, enabled: true })).webhook).toMatchObject({
      enabled: true,
      reason: null,
    });
    expect((await call(app, lost.url, { secret: lost.secret })).status).toBe(202);
  });
});

describe("an owner who lost access", () => {
  it("disables the webhook with the reason at the next call", async () => {
    await using app = await webhooksPlatform({}, { plugins: [authPlugin(viewers.ada, viewers.bob)], viewers: [] });
    const { url, secret, id } = await makeInbound(app);
    expect((await call(app, url, { secret })).status).toBe(202);
    app.platform.use(authService).revoke(viewers.ada);
    expect((await call(app, url, { secret })).status).toBe(409);
    expect((await call(app, url, { secret })).status).toBe(404);
    expect(await one(app, id, "InboundWebhook", "enabled reason")).toEqual({
      enabled: false,
      reason: '"ada" has no access to this server any more.',
    });
  });
});

describe("inbound webhooks of the graph", () => {
  let app: TestPlatform;
  beforeAll(async () => {
    app = await webhooksPlatform({ perOwner: 4 });
  });
  afterAll(() => app.close());
  const create = (input: Readonly<Record<string, unknown>>, viewer = viewers.ada) =>
    change(app, "createInboundWebhook", { name: "n", target: { agent: { name: "worker" } }, ...input }, viewer);

  it("are refused with what is wrong, and nothing is written", async () => {
    for (const [input, code, path] of [
      [{ name: "  " }, "INVALID_INPUT", ["input", "name"]],
      [{ name: "x".repeat(101) }, "INVALID_INPUT", ["input", "name"]],
      [{ name: "a\nb" }, "INVALID_INPUT", ["input", "name"]],
      [{ target: { agent: { name: "nobody" } } }, "NOT_FOUND", ["input", "target", "agent"]],
    ] as const)
      expect(await create(input), JSON.stringify(input)).toMatchObject({ code, path: expect.arrayContaining([...path]) });
    expect(await count(app, "webhooks_inbound")).toBe(0);
    expect(await count(app, "platform_sealed_value")).toBe(0);
  });

  it("give the same secret for the same idempotency key, and are limited per owner", async () => {
    const first = await create({ name: " Größe ", idempotencyKey: "k" });
    expect(await create({ name: " Größe ", idempotencyKey: "k" })).toEqual(first);
    expect(await create({ name: "other", idempotencyKey: "k" })).toMatchObject({ code: "IDEMPOTENCY_CONFLICT" });
    for (const name of ["b", "c", "d"]) await create({ name });
    expect(await create({ name: "e" })).toMatchObject({ code: "RATE_LIMITED", message: expect.stringContaining("4 webhooks") });
    expect(await create({ name: "e" }, viewers.bob)).toMatchObject({ __typename: "CreateInboundWebhookPayload" });
    const list = "{ inboundWebhooks(first: 2) { totalCount nodes { name } } }";
    expect(await app.graphql(list, {}, viewers.ada)).toEqual({ inboundWebhooks: { totalCount: 4, nodes: [{ name: "d" }, { name: "c" }] } });
    expect(first.webhook?.name).toBe("Größe");
  });

  it("say what became of the first secret or the webhook where the same idempotency key comes again later", async () => {
    await using later = await webhooksPlatform();
    const inputs = {
      createInboundWebhook: { name: "n", target: { agent: { name: "worker" } }, idempotencyKey: "in" },
      createWebhook: { name: "n", url: "https://example.com/hook", events: ["RUN_FAILED"], idempotencyKey: "out" },
    } as const;
    const path = ["input", "idempotencyKey"];
    for (const mutation of ["createInboundWebhook", "createWebhook"] as const) {
      const again = () => change(later, mutation, inputs[mutation]);
      const first = await again();
      const id = first.webhook?.id ?? "";
      await change(later, "rotateSigningSecret", id);
      expect(await again()).toEqual(first);
      const table = mutation === "createWebhook" ? "webhooks_webhook" : "webhooks_inbound";
      await later.platform.database.commit(({ sql }) => sql.run(`update ${table} set previous_until = 1`));
      const replaced = { code: "CONFLICT", message: expect.stringContaining("first signing secret was replaced"), path };
      expect(await again()).toMatchObject(replaced);
      await later.restart();
      expect(await again()).toMatchObject(replaced);
      await change(later, mutation === "createWebhook" ? "removeWebhook" : "removeInboundWebhook", id);
      expect(await again()).toMatchObject({ code: "NOT_FOUND", message: expect.stringContaining("was removed"), path });
    }
  });

  it("are their owner's: others find nothing, admins that they exist", async () => {
    const { webhook } = await create({ name: "e" }, viewers.bob);
    const id = webhook?.id ?? "";
    expect(await one(app, id, "InboundWebhook", "name")).toBeNull();
    expect(await one(app, id, "InboundWebhook", "name enabled", viewers.admin)).toEqual({ name: "", enabled: true });
    for (const viewer of [viewers.ada, viewers.admin]) {
      expect(await change(app, "updateInboundWebhook", { webhook: id, name: "mine" }, viewer)).toMatchObject({ code: "NOT_FOUND" });
      expect(await change(app, "rotateSigningSecret", id, viewer)).toMatchObject({ code: "NOT_FOUND" });
      expect(await change(app, "removeInboundWebhook", id, viewer)).toMatchObject({ code: "NOT_FOUND" });
    }
    for (const wrong of ["nonsense", globalId("Run", "1")])
      expect(await change(app, "rotateSigningSecret", wrong)).toMatchObject({ code: "INVALID_ID" });
  });
});
