import { describe, expect, it } from "vitest";
import type { WeftlineError } from "#weftline";
import { createOpenAiEmbedder } from "../../../../src/plugins/memory/embedders/openai.ts";
import { modelService } from "../../../../src/core/index.ts";
import { memory } from "../../../../src/plugins/index.ts";
import { respondJson, type Behaviour, type TestPlatform } from "../../../../src/testing/index.ts";
import { componentOf, remembering } from "../world.ts";
import { answering, dimensions, endpoint, items, key, textsOf, type Endpoint, type Item } from "./endpoint.ts";

const options = { model: "house/meaning-1", dimensions };
const secret = "The vault opens with indigo.";

function over(server: Endpoint) {
  return remembering(memory({ embedder: "openai", openai: options }), [server.plugin]);
}

const base64 = (embedding: unknown): string => Buffer.from(Float32Array.from(embedding as number[]).buffer).toString("base64");

/** What the embedder throws over the endpoint of a platform. */
function failureOf(app: TestPlatform, signal: AbortSignal): Promise<WeftlineError> {
  const embedder = createOpenAiEmbedder({ ...options, askDimensions: false, batch: 8 }, () => app.platform.host.use(modelService));
  return embedder.embed([secret], signal).then(
    () => expect.unreachable(),
    (error: unknown) => error as WeftlineError,
  );
}

describe("the embedder openai", () => {
  it.each<[string, (right: readonly Item[]) => unknown]>([
    ["in another order", (right) => right.toReversed()],
    ["as base64 although it asked for numbers", (right) => right.map((item) => ({ ...item, embedding: base64(item.embedding) }))],
    ["without indexes", (right) => right.map(({ embedding }) => ({ embedding }))],
  ])("takes vectors %s", async (_, change) => {
    await using server = await endpoint();
    server.behave = answering(change);
    await using world = await over(server);
    const models = () => world.app.platform.host.use(modelService);
    const embedder = createOpenAiEmbedder({ ...options, askDimensions: true, batch: 2 }, models);
    const texts = ["tea", "coffee", "milk", "rain", "snow"];
    const vectors = await embedder.embed(texts, new AbortController().signal);
    expect(vectors.map((vector) => [...vector])).toEqual((await items(texts)).map(({ embedding }) => embedding));
    expect(server.asked.map(({ length }) => length)).toEqual([2, 2, 1]);
    expect(server.seen[0]?.body).toMatchObject({ model: "meaning-1", dimensions, encoding_format: "float" });
    expect(server.seen[0]?.headers.authorization).toBe(`Bearer ${key}`);
  });

  const shorter = (item: Item) => ({ ...item, embedding: (item.embedding as number[]).slice(1) });
  const status =
    (code: number, headers = {}): Behaviour =>
    (response, request) =>
      respondJson(code, { error: { message: `No: ${key}, ${JSON.stringify(request.body)}` } }, headers)(response, request);

  it.each<[string, Behaviour, RegExp]>([
    ["vectors of another size", answering((right) => right.map(shorter)), /383 numbers instead of 384/],
    ["too few vectors", answering((right) => right.slice(1)), /1 vectors were asked for, and 0 came/],
    ["one vector twice", answering(([first]) => [first, first]), /were asked for/],
    ["an index that nothing has", answering((right) => right.map((item) => ({ ...item, index: 7 }))), /missing/],
    ["words instead of numbers", answering((right) => right.map((item) => ({ ...item, embedding: ["one"] }))), /no numbers/],
    ["half a base64", answering((right) => right.map((item) => ({ ...item, embedding: "AAA" }))), /no numbers/],
    ["no list", answering(() => "none"), /none came/],
    ["no JSON", (response) => void response.end("<html>"), /could not be read|none came/],
    ["an answer without end", (response) => void response.end("9".repeat(2_000_000)), /longer than what was asked/],
    ["status 401", status(401), /status 401/],
    ["status 429", status(429, { "retry-after": "7" }), /status 429/],
    ["status 500", status(500), /status 500/],
    ["a cut connection", (response) => void response.destroy(), /could not be reached/],
    [
      "a body that is cut",
      (response) => void response.writeHead(200, { "content-length": "99" }).write("{", () => response.destroy()),
      /could not/,
    ],
    ["nothing in time", () => undefined, /could not be reached|did not answer in time/],
  ])("answers UNAVAILABLE to %s, without a word of the provider or of the text", async (_, behave, problem) => {
    await using server = await endpoint();
    server.behave = behave;
    await using world = await over(server);
    const error = await failureOf(world.app, new AbortController().signal);
    expect(error).toMatchObject({ code: "UNAVAILABLE", retryable: true, message: expect.stringMatching(problem) });
    expect(`${error.stack} ${JSON.stringify(error.details)}`).not.toMatch(/sk-embedding|indigo/);
  });

  it.concurrent.each<[string, Behaviour, RegExp]>([
    ["vectors of another size", answering((right) => right.map(shorter)), /383 numbers instead of 384/],
    ["status 500", status(500), /status 500/],
    ["a cut connection", (response) => void response.destroy(), /could not be reached/],
    ["nothing in time", () => undefined, /could not be reached|did not answer in time/],
  ])("keeps what it is given when it gets %s, says so in the health, and embeds it later", async (_, behave, problem) => {
    await using server = await endpoint();
    server.behave = behave;
    await using world = await over(server);
    const kept = await world.keep(secret);
    expect(kept.embedder).toBeNull();
    expect((await world.search("indigo vault"))?.[0]).toMatchObject({ matchedBy: ["KEYWORD"], record: { id: kept.id } });
    const told = await componentOf(world.app, "memory.embedder");
    expect(told).toMatchObject({ status: "DEGRADED", detail: expect.stringMatching(problem) });
    expect(told?.detail).toContain("1 records wait for their vectors");
    expect(told?.detail).not.toContain(key);
    expect(told?.detail).not.toContain("indigo");
    server.behave = undefined;
    await expect.poll(async () => (await world.node(kept.id))?.embedder).toBe("openai");
    expect((await world.search("indigo vault"))?.[0]?.matchedBy).toEqual(["VECTOR", "KEYWORD"]);
    expect(await componentOf(world.app, "memory.embedder")).toMatchObject({ status: "UP" });
  });

  it("waits as long as it is told to, and nobody asks it meanwhile", async () => {
    await using server = await endpoint();
    server.behave = respondJson(429, {}, { "retry-after": "600" });
    await using world = await over(server);
    await world.keep(secret);
    await expect.poll(() => server.seen.length).toBe(1);
    server.behave = undefined;
    for (const text of ["One more fact.", "And another fact."]) expect((await world.keep(text)).embedder).toBeNull();
    expect(await world.search("fact")).toHaveLength(2);
    expect(server.seen).toHaveLength(1);
  });

  it("leaves a text that the endpoint refuses without a vector, and the others have theirs", async () => {
    await using server = await endpoint();
    const isRefused = (text: string) => text.includes("refused");
    server.behave = (response, request) =>
      textsOf(request.body).some(isRefused)
        ? respondJson(400, { error: { message: `Too long: ${textsOf(request.body).join()}` } })(response, request)
        : answering((right) => right)(response, request);
    await using world = await over(server);
    const refused = await world.keep("This one is refused.");
    const down = respondJson(503, {});
    const works = server.behave;
    server.behave = down;
    const others = await Promise.all([1, 2, 3].map((n) => world.keep(`Fact number ${n}.`)));
    server.behave = works;
    for (const { id } of others) await expect.poll(async () => (await world.node(id))?.embedder).toBe("openai");
    expect((await world.node(refused.id))?.embedder).toBeNull();
    expect((await world.search("refused"))?.[0]?.record.id).toBe(refused.id);
    const { status: standing, detail } = (await componentOf(world.app, "memory.embedder")) ?? {};
    expect(standing).toBe("UP");
    expect(detail).toMatch(/1 records wait .*refuses this text: it answered with status 400/);
    expect(detail).not.toContain("This one");
  });

  it("says how long to wait, whether it is the text's fault, and leaves when nobody waits", async () => {
    await using server = await endpoint();
    await using world = await over(server);
    const { signal } = new AbortController();
    server.behave = status(429, { "retry-after": "7" });
    expect(await failureOf(world.app, signal)).toMatchObject({ code: "UNAVAILABLE", details: { retryAfterMs: 7_000 } });
    server.behave = status(400);
    const refused = await failureOf(world.app, signal);
    expect(refused).toMatchObject({ code: "INVALID_INPUT" });
    expect(`${refused.stack} ${JSON.stringify(refused.details)}`).not.toMatch(/sk-embedding|indigo/);
    const given = new AbortController();
    server.behave = () => given.abort(new Error("nobody waits"));
    expect((await failureOf(world.app, given.signal)).message).toBe("nobody waits");
    await expect(server.seen.at(-1)?.closed).resolves.toBe("cut");
  });
});
