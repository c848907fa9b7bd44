import { describe, expect, it } from "vitest";
import { modelMeter } from "#weftline";
import { beginStream, namedEvent, plainAnswers, type Behaviour } from "../../../src/testing/index.ts";
import { budget, ended, go, localId, read, until } from "./desk.ts";
import { agent, play, root, world, type World } from "./world.ts";

/** Takes as many tokens for what it reads as a tokenizer does that has no word for any of it: one a byte. */
const dearReader: Behaviour = (response, { body }) => {
  const { begin, text } = plainAnswers.responses;
  const words =
    JSON.stringify(body["input"])
      .match(/\P{ASCII}/gu)
      ?.join("") ?? "";
  const usage = { input_tokens: Buffer.byteLength(words), output_tokens: 3, total_tokens: 0 };
  beginStream(response);
  const end = { id: "resp_1", object: "response", status: "completed", model: "gpt-4.1", output: [], usage };
  response.end(begin + text("Paper.") + namedEvent({ type: "response.completed", response: end }));
};

describe("what a call is held for", () => {
  it.each(["𒀀𒀁𒀂", "漢字仮名", "👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿", "ᚠᚢᚦ"])("is never less than %s takes", async (some) => {
    await using here = await world({ behave: dearReader });
    await agent(here, { name: "Scribe", model: "openai/gpt-4.1", options: { maxOutputTokens: 16 } });
    const text = some.repeat(200);
    const bytes = Buffer.byteLength(text);
    // Enough for most of the text alone.
    const { id } = await budget(here, { tokenLimit: Math.floor(bytes * 0.9) });
    const { run } = await go(here, "Scribe", { text });
    expect(await until(here, run?.id ?? "", ended)).toMatchObject({ status: "FAILED", failure: { code: "BUDGET_EXCEEDED" } });
    expect(here.provider.seen).toHaveLength(0);
    await budget(here, { id, tokenLimit: bytes * 2 });
    expect(await play(here, { target: { agent: { name: "Scribe" } }, text })).toMatchObject({ status: "SUCCEEDED" });
    expect((await read(here, id))?.spent.inputTokens).toBe(bytes);
  });

  it("is that of a text where it only looks like a picture", async () => {
    await using here = await world();
    await agent(here, { name: "Mole", model: "own/mole" });
    const { id } = await budget(here, { tokenLimit: 20_000 });
    const text = `data:image/png;base64,${"many words ".repeat(5_000)}`;
    expect(await play(here, { target: { agent: { name: "Mole" } }, text })).toMatchObject({ failure: { code: "BUDGET_EXCEEDED" } });
    expect(here.provider.seen).toHaveLength(0);
    expect(await read(here, id)).toMatchObject({ spent: { modelCalls: 0 }, reserved: { modelCalls: 0 } });
  });

  it.each([
    [
      "a picture that stands there",
      [{ type: "image_url", image_url: { url: `data:image/png;base64,${"A".repeat(400_000)}` } }],
      5_000,
      6_000,
    ],
    ["a picture that is fetched", [{ type: "image_url", image_url: { url: "https://example.com/cat.png" } }], 5_000, 6_000],
    ["a document that the provider has", [{ type: "file", file: { file_id: "file-1" } }], 100_000, 101_000],
    [
      "a document that stands there",
      [{ type: "file", file: { file_data: `data:application/pdf;base64,${"A".repeat(50_000)}` } }],
      5_000,
      6_000,
    ],
    [
      "a picture that is none",
      [{ type: "image_url", image_url: { url: `data:image/png;base64,${"no! ".repeat(10_000)}` } }],
      40_000,
      46_000,
    ],
    ["words named like a kind of part", [{ type: "constructor", text: "Hello." }], 50, 200],
  ])("is of %s by what it is", async (_, content, least, most) => {
    await using here = await world();
    await agent(here, { name: "Mole", model: "own/mole" });
    const run = await play(here, { target: { agent: { name: "Mole" } } });
    await budget(here, { tokenLimit: 10_000_000 });
    await admit(here, run.id, { model: "mole", messages: [{ role: "user", content }] });
    const row = await here.app.platform.database.read.get<{ input: number }>("select input from budgets_call");
    expect(row?.input).toBeGreaterThanOrEqual(least);
    expect(row?.input).toBeLessThanOrEqual(most);
  });

  it("is the longest answer where the request cannot be cut", async () => {
    await using here = await world();
    await agent(here, { name: "Mole", model: "own/mole" });
    const run = await play(here, { target: { agent: { name: "Mole" } } });
    const { id } = await budget(here, { tokenLimit: 10_000 });
    await expect(admit(here, run.id, undefined)).rejects.toMatchObject({ code: "BUDGET_EXCEEDED" });
    await budget(here, { id, tokenLimit: 20_000 });
    await admit(here, run.id, undefined);
    expect(await here.app.platform.database.read.get("select output from budgets_call")).toEqual({ output: 16_384 });
  });
});

/** As an adapter that asks for a run over its binding. */
async function admit({ app, provider }: World, id: string, body: object | undefined): Promise<unknown> {
  const row = await app.platform.database.read.get('select id, tenant_id as "tenantId", epoch from runs_run where id = ?', localId(id));
  const { baseURL } = provider;
  const binding = { id: "own", provider: "own", model: "mole", provenance: "LIVE", api: "chat", baseURL, apiKey: () => "", timeoutMs: 1 };
  const request = { run: { ...(row as object), parentId: null, limits: {} }, binding, url: `${baseURL}/chat/completions`, approvals: [] };
  const said = body === undefined ? undefined : JSON.stringify(body);
  return app.platform
    .scope(root)
    .use(modelMeter)
    .admit({ ...request, body: said } as never);
}
