import { describe, expect, it } from "vitest";
import { WeftlineError, type ConversationMessage, type FilePart, type InputPart } from "../../../src/core/index.ts";
import { beginStream, plainAnswers, providerServer } from "../../../src/testing/index.ts";
import { apis, bindingTo, only, play, runtimes, simulatedBinding, textOf, tool, type Way } from "./play.ts";

/** A file as the engine hands it over, which counts how often it was read. */
function file(name: string, mediaType: string, content: string | Buffer): FilePart & { reads: number } {
  const bytes = Buffer.from(content);
  const part: FilePart & { reads: number } = {
    type: "file",
    id: name,
    name,
    mediaType,
    size: bytes.length,
    reads: 0,
    bytes: async () => {
      part.reads += 1;
      return bytes;
    },
    dataUrl: async () => `data:${mediaType};base64,${Buffer.from(await part.bytes()).toString("base64")}`,
  };
  return part;
}

const photo = () => file("photo.png", "image/png", Buffer.alloc(100, 7));
const paper = () => file("paper.pdf", "application/pdf", "%PDF-1.7 paper");
const notes = () => file("notes.md", "text/markdown", "# Grüße");
const user = (...parts: InputPart[]): ConversationMessage => ({ role: "USER", parts });
const text = (said: string) => ({ type: "text" as const, text: said });

/** Plays a turn against a server that answers, and tells what it was asked. */
async function asked({ framework, api }: Way, messages: readonly ConversationMessage[], files?: readonly ("image" | "pdf")[]) {
  const { begin, text: delta, end, done } = plainAnswers[api];
  await using server = await providerServer((response) => {
    beginStream(response);
    response.end(begin + delta("Seen.") + end + done);
  });
  const played = await play({ framework, model: bindingTo(server.baseURL, api, files ? { files } : {}), messages });
  const body = server.seen[0]?.body as { input?: { content: unknown }[]; messages?: { role: string; content: unknown }[] } | undefined;
  return { error: played.error, content: (body?.input ?? body?.messages)?.map(({ content }) => content), requests: server.seen.length };
}

describe.each(Object.keys(runtimes))("files in a conversation with %s", (framework) => {
  const pictureUrl = `data:image/png;base64,${Buffer.alloc(100, 7).toString("base64")}`;
  const paperUrl = `data:application/pdf;base64,${Buffer.from("%PDF-1.7 paper").toString("base64")}`;
  const inlined = 'File "notes.md" (text/markdown, 9 bytes):\n# Grüße';

  it("go over Responses as pictures, documents and text, in their order", async () => {
    const { error, content } = await asked(
      { framework, api: "responses" },
      [user(text("Look:"), photo(), paper(), notes())],
      ["image", "pdf"],
    );
    expect(error).toBeUndefined();
    expect(content).toEqual([
      [
        { type: "input_text", text: "Look:" },
        expect.objectContaining({ type: "input_image", image_url: pictureUrl }),
        { type: "input_file", filename: "paper.pdf", file_data: paperUrl },
        { type: "input_text", text: inlined },
      ],
    ]);
  });

  it("go over Chat Completions likewise", async () => {
    const { error, content } = await asked({ framework, api: "chat" }, [user(text("Look:"), photo(), paper(), notes())], ["image", "pdf"]);
    expect(error).toBeUndefined();
    expect(content).toEqual([
      [
        { type: "text", text: "Look:" },
        { type: "image_url", image_url: { url: pictureUrl } },
        { type: "file", file: { filename: "paper.pdf", file_data: paperUrl } },
        { type: "text", text: inlined },
      ],
    ]);
  });

  it.each(apis)("over %s are one text where all of them are text, for servers that know nothing else", async (api) => {
    const data = file("a.json", "application/vnd.api+json", "{}");
    const { content } = await asked({ framework, api }, [user(text("Read"), notes(), data)], []);
    expect(content).toEqual([`Read\n\n${inlined}\n\nFile "a.json" (application/vnd.api+json, 2 bytes):\n{}`]);
  });

  it.each(apis)("over %s are refused before anything is sent where the binding does not take them", async (api) => {
    for (const [part, files, why] of [
      [photo(), [], undefined],
      [paper(), ["image"], undefined],
      [file("a.zip", "application/zip", "PK"), ["image", "pdf"], undefined],
      [file("latin.txt", "text/plain", Buffer.of(0xe9, 0x20)), [], "it is not UTF-8"],
      [file("long.txt", "text/plain", Buffer.alloc(1_048_577, 97)), [], "it is text of more than 1 MiB"],
      [file("huge.png", "image/png", Buffer.alloc(34_000_000)), ["image"], "the message has more than 32 MiB of files"],
    ] as const) {
      const { error, requests } = await asked({ framework, api }, [user(text("See"), part)], files);
      expect(error).toMatchObject({ code: "FILE_UNSUPPORTED", retryable: false, details: { file: part.name } });
      expect((error as Error).message).toContain(why ?? 'The model binding "test" takes no such files.');
      expect(requests).toBe(0);
    }
  });

  it("takes pictures where a binding says nothing", async () => {
    expect((await asked({ framework, api: "chat" }, [user(photo())])).error).toBeUndefined();
    expect((await asked({ framework, api: "chat" }, [user(paper())])).error).toMatchObject({ code: "FILE_UNSUPPORTED" });
  });

  it("fail the turn with what reading them fails with", async () => {
    const lost = { ...photo(), dataUrl: () => Promise.reject(new WeftlineError("NOT_FOUND", { what: "content of this file" })) };
    expect((await asked({ framework, api: "responses" }, [user(lost)], ["image"])).error).toMatchObject({ code: "NOT_FOUND" });
  });

  it("are read once a turn, however often the model is asked", async () => {
    const picture = photo();
    const time = tool("time.now", () => ({ iso: "2026-01-31T12:00:00Z" }));
    const model = { ...simulatedBinding("responses"), files: ["image" as const] };
    const played = await play({ framework, model, messages: [user(text("Please use time.now"), picture)], tools: [time] });
    expect(played.error).toBeUndefined();
    expect(only(played, "step.started")).toHaveLength(2);
    expect(picture.reads).toBe(1);
  });

  it.each(apis)("over %s: the simulated model says what it got, by name, type and size", async (api) => {
    const model = { ...simulatedBinding(api), files: ["image" as const, "pdf" as const] };
    const said = textOf(await play({ framework, model, messages: [user(text("Look at these."), photo(), paper())] }));
    expect(said).toBe(
      "[simulated] You wrote “Look at these.” I got a picture (image/png, 100 bytes) and paper.pdf (application/pdf, 14 bytes), and cannot look into them.",
    );
  });

  it("count for nothing where the tokens have to be estimated", async () => {
    const { begin, text: delta, done } = plainAnswers.chat;
    await using server = await providerServer((response) => {
      beginStream(response);
      response.end(`${begin}${delta("Seen.")}data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n${done}`);
    });
    const picture = file("large.png", "image/png", Buffer.alloc(1_000_000));
    const played = await play({ framework, model: bindingTo(server.baseURL, "chat"), messages: [user(text("See"), picture)] });
    expect(only(played, "usage.recorded")[0]).toMatchObject({ estimated: true });
    expect(only(played, "usage.recorded")[0]?.inputTokens).toBeLessThan(200);
  });
});
