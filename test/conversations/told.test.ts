import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { call, conversations, everyFramework, toldIn, tool, type WireRequest } from "./world.ts";

const sent: unknown[] = [];
const picture = Buffer.alloc(30_000, "picture").toString("base64");
const large = Buffer.alloc(300_000, "picture").toString("base64");
const pictures = {
  block: [
    { type: "text", text: "a loom" },
    { type: "image", data: picture, mimeType: "image/png" },
  ],
  url: `see ![loom](data:image/png;base64,${picture}) above`,
  deep: {
    page: { image_url: { url: `data:image/jpeg;base64,${picture}` } },
    source: { type: "base64", media_type: "audio/wav", data: picture },
  },
  large: { caption: "woven", images: [{ b64_json: large }, { type: "image", data: large }] },
  bytes: { raw: Buffer.alloc(5_000, 1) },
};
const choice = {
  type: "object",
  anyOf: [
    { properties: { a: { type: "string" } }, required: ["a"] },
    { properties: { b: { type: "array" } }, required: ["b"] },
  ],
};
let world: Awaited<ReturnType<typeof conversations>>;
beforeAll(async () => {
  world = await conversations([
    tool(
      "letter.send",
      (args) => {
        sent.push(args);
        return { id: 7 };
      },
      { approval: "ALWAYS" },
    ),
    tool("constructor", () => "built"),
    tool("__proto__", () => "inherited"),
    tool("takes.choice", () => "chosen", { inputSchema: choice }),
    ...Object.entries(pictures).map(([name, value]) => tool(`pictures.${name}`, () => value)),
    tool("large.text", () => "x".repeat(9_000_000)),
    tool("large.rows", () => Array.from({ length: 100_000 }, (_, n) => ({ n, text: "row" }))),
  ]);
});
afterAll(() => world[Symbol.asyncDispose]());

const original = { to: "a@b.c", body: "orig" };
const edited = { to: "boss@x.y", body: "edited" };
const sizeOf = (request: WireRequest | undefined): number => JSON.stringify(request).length;

describe.each(everyFramework)("what a model is told on %s", (framework) => {
  it("of a call that a person edited is that they did and to what, then and later; a decision sent again is still for one call", async () => {
    sent.length = 0;
    const talk = await world.talk(framework);
    const waiting = await talk.say("go", call("letter.send", original), { say: "sent" });
    expect(waiting.status).toBe("WAITING");
    const decision = { kind: "EDIT", arguments: edited };
    await talk.decide(waiting, decision);
    await world.end(waiting.id);
    expect(sent).toEqual([edited]);
    expect(await talk.decide(waiting, decision)).toMatchObject({ run: { id: waiting.id } });
    expect(await talk.decide(waiting, { ...decision, argumentsHash: "0" })).toMatchObject({ code: "DECISION_CONFLICT" });

    await talk.say("and now?", { say: "well" });
    const [, then, later] = talk.requests();
    for (const request of [then, later]) {
      const told = toldIn(request);
      const [made] = request?.messages.flatMap(({ tool_calls: calls = [] }) => calls) ?? [];
      if (framework === "crewai" && request === later) expect(told).toContain(JSON.stringify(original));
      else expect(JSON.parse(made?.function.arguments ?? "{}")).toEqual(original);
      expect(told).toContain("A person changed the arguments of this call");
      expect(told).toContain(JSON.stringify(edited));
      expect(told).toContain('{"id":7}');
    }
  });

  it("of a large result is its beginning, with a note of how much is left out", async () => {
    const talk = await world.talk(framework);
    const run = await talk.say("go", { calls: ["large.text", "large.rows"].map((name) => ({ name, arguments: "{}" })) });
    expect(run).toMatchObject({ status: "SUCCEEDED", text: "done" });
    const [, request] = talk.requests();
    expect(sizeOf(request)).toBeLessThan(300_000);
    expect(toldIn(request)).toContain("it has 9000000 characters, and these are the first 100000");
    expect(toldIn(request)).toContain("it is JSON of more than 100000 characters");
  });

  it("of an answer that was stopped is what people see of it, marked as incomplete", async () => {
    const talk = await world.talk(framework);
    const id = await talk.send({ text: "hi" }, { say: "I was saying", silent: true });
    for await (const { runEvents } of await world.app.subscribe<{ runEvents: { text?: string } }>(
      "subscription ($id: ID!) { runEvents(run: $id) { ... on MessageDeltaEvent { text } } }",
      { id },
    ))
      if (runEvents.text !== undefined) break;
    await world.app.graphql("mutation ($id: ID!) { cancelRun(run: $id) { __typename } }", { id });
    await world.end(id);
    expect(await talk.say("continue", { say: "well" })).toMatchObject({ status: "SUCCEEDED" });
    expect(toldIn(talk.requests()[1])).toMatch(/I was saying\s+\[This answer is incomplete: it was stopped here\.\]/);
  });

  it("of a file that no model takes fails its own message, and stands as a note in later ones", async () => {
    const talk = await world.talk(framework);
    const file = await world.upload("h.heic", "image/heic", "not for models");
    const first = await world.end(await talk.send({ parts: [{ text: "look" }, { file }] }, { say: "seen" }));
    expect(first).toMatchObject({ status: "FAILED", failure: { code: "FILE_UNSUPPORTED" } });
    expect(await talk.say("and without it?", { say: "fine" })).toMatchObject({ status: "SUCCEEDED", text: "fine" });
    expect(toldIn(talk.requests().at(-1))).toMatch(/Here stood the file \W*h\.heic\W* \(image\/heic\)/);
  });

  it("of tools is an object with properties, whatever their schemas and names are, and all can be called", async () => {
    const talk = await world.talk(framework);
    const names = ["constructor", "__proto__"];
    const run = await talk.say("go", {
      calls: [...names.map((name) => ({ name, arguments: "{}" })), { name: "takes.choice", arguments: '{"a":"x"}' }],
    });
    expect(run).toMatchObject({ status: "SUCCEEDED", text: "done" });
    expect((await talk.calls()).map(({ result }) => result)).toEqual(["built", "inherited", "chosen"]);
    const shown = new Map(talk.requests()[0]?.tools?.map(({ function: { name, parameters } }) => [name, parameters]));
    for (const name of names) expect(shown.get(name)).toMatchObject({ type: "object", properties: {} });
    const { anyOf, ...parameters } = shown.get("takes_choice") ?? {};
    expect(anyOf).toBeUndefined();
    expect(parameters).toMatchObject({ type: "object", properties: { a: { type: "string" }, b: { type: "array", items: {} } } });
  });

  it("of pictures and other bytes in a result is their type and size, never their base64; people see small ones", async () => {
    const talk = await world.talk(framework);
    const run = await talk.say("go", { calls: Object.keys(pictures).map((name) => ({ name: `pictures.${name}`, arguments: "{}" })) });
    expect(run).toMatchObject({ status: "SUCCEEDED", text: "done" });
    const told = toldIn(talk.requests()[1]);
    expect(told).not.toContain(picture.slice(0, 150));
    expect(sizeOf(talk.requests()[1])).toBeLessThan(20_000);
    for (const words of ["a loom", "[image/png, 30000 bytes", "[image/jpeg, 30000 bytes", "[audio/wav, 30000", "woven", "[5000 bytes"])
      expect(told).toContain(words);
    const [shown] = await talk.calls();
    expect(shown?.result).toEqual(pictures.block);
  });
});
