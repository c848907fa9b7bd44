import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestPlatform } from "../../../src/testing/index.ts";
import { create, filesPlatform, onDisk, put, send, uploaded, viewers } from "./fixture.ts";

const png = Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(92, 7)]);
const codeOf = async (response: Response): Promise<unknown> =>
  ((await response.json()) as { errors: { extensions: { code: string } }[] }).errors[0]?.extensions.code;

let app: TestPlatform;
beforeAll(async () => {
  app = await filesPlatform({ fileBytes: 1_000_000, unfinished: 50 });
});
afterAll(() => app.close());

describe("a file", () => {
  it("is announced, uploaded and got back as it was", async () => {
    const { file, uploadUrl } = await create(app, { name: "Bild “1” (final).png", mediaType: "image/png", size: png.length });
    expect(file).toMatchObject({ name: "Bild “1” (final).png", mediaType: "image/png", size: 100 });
    expect((await send(app, file.url)).status).toBe(409);
    const answer = await put(app, uploadUrl, png, "image/png");
    expect([answer.status, await answer.json()]).toEqual([200, { id: file.id, name: file.name, mediaType: "image/png", size: 100 }]);
    const back = await send(app, file.url);
    expect(Buffer.from(await back.arrayBuffer())).toEqual(png);
    expect(Object.fromEntries(back.headers)).toMatchObject({
      "content-type": "image/png",
      "content-length": "100",
      "content-disposition": "attachment; filename*=UTF-8''Bild%20%E2%80%9C1%E2%80%9D%20%28final%29.png",
      "content-security-policy": expect.stringMatching(/default-src 'none'.*sandbox/),
      "cross-origin-resource-policy": "same-origin",
      "x-content-type-options": "nosniff",
      "cache-control": "no-store",
    });
  });

  it("is got without a warning of the runtime", async () => {
    const warned: string[] = [];
    const listen = ({ name, message }: Error): void => void warned.push(`${name}: ${message}`);
    process.on("warning", listen);
    try {
      const file = await uploaded(app);
      await (await send(app, file.url)).arrayBuffer();
      await (await send(app, file.url)).arrayBuffer();
      // Warnings are told in a later turn.
      await new Promise(setImmediate);
    } finally {
      process.off("warning", listen);
    }
    expect(warned).toEqual([]);
  });

  it("is found by its id by its owner and by nobody else", async () => {
    const file = await uploaded(app);
    const query = "query ($id: ID!) { node(id: $id) { ... on File { name size url } } }";
    expect(await app.graphql(query, { id: file.id }, viewers.ada)).toEqual({ node: { name: "notes.txt", size: 5, url: file.url } });
    for (const stranger of [viewers.bob, viewers.mallory])
      expect(await app.graphql(query, { id: file.id }, stranger)).toEqual({ node: null });
    expect((await send(app, file.url, { as: viewers.bob })).status).toBe(404);
    expect((await send(app, file.url, { headers: { authorization: "Bearer nobody" } })).status).toBe(401);
    expect((await send(app, file.url, { headers: { origin: "https://evil.example" } })).status).toBe(403);
  });

  it("takes no bytes of a stranger", async () => {
    const { uploadUrl, file } = await create(app);
    expect((await put(app, uploadUrl, "hello", "text/plain", viewers.bob)).status).toBe(404);
    expect((await send(app, file.url)).status).toBe(409);
  });

  it("takes its bytes once; the same again are no matter", async () => {
    const { uploadUrl, file } = await create(app);
    expect((await put(app, uploadUrl, "hello")).status).toBe(200);
    expect((await put(app, uploadUrl, "hello")).status).toBe(200);
    const other = await put(app, uploadUrl, "other");
    expect([other.status, await codeOf(other)]).toEqual([409, "CONFLICT"]);
    expect(await (await send(app, file.url)).text()).toBe("hello");
  });

  it("is the same for the same key, and a conflict for another body", async () => {
    const first = await create(app, { idempotencyKey: "k" });
    expect((await create(app, { idempotencyKey: "k" })).file.id).toBe(first.file.id);
    expect(await create(app, { idempotencyKey: "k", size: 6 })).toMatchObject({ __typename: "ConflictError" });
  });

  it.each([
    { what: "an empty name", input: { name: " " }, path: "name" },
    { what: "a name with a slash", input: { name: "../../etc/passwd" }, path: "name" },
    { what: "a name that turns its direction", input: { name: "photo\u202egpj.exe" }, path: "name" },
    { what: "a name that is too long", input: { name: "x".repeat(256) }, path: "name" },
    { what: "no media type", input: { mediaType: "png" }, path: "mediaType" },
    { what: "a header in the media type", input: { mediaType: "text/plain\r\nset-cookie: a=b" }, path: "mediaType" },
    { what: "nothing", input: { size: 0 }, path: "size" },
    { what: "too much", input: { size: 1_000_001 }, path: "size" },
  ])("is refused for $what", async ({ input, path }) => {
    expect(await create(app, input)).toMatchObject({ __typename: "InvalidInputError", path: ["input", path] });
  });
});

describe("bytes that are not what was announced", () => {
  it.each([
    { what: "another type", body: "hello", type: "text/html" },
    { what: "fewer", body: "hell", type: "text/plain" },
    { what: "more", body: "hello!", type: "text/plain" },
  ])("are refused: $what", async ({ body, type }) => {
    const { uploadUrl, file } = await create(app);
    const answer = await put(app, uploadUrl, body, type);
    expect([answer.status, await codeOf(answer)]).toEqual([400, "INVALID_INPUT"]);
    expect((await send(app, file.url)).status).toBe(409);
    expect((await put(app, uploadUrl, "hello")).status).toBe(200);
  });

  it.each([4, 6, 900_000])("are refused where no length was said: %i", async (length) => {
    const { uploadUrl } = await create(app);
    const body = new Blob(["x".repeat(length)]).stream();
    const init: RequestInit & { duplex: "half" } = { method: "PUT", body, duplex: "half", headers: { "content-type": "text/plain" } };
    const answer = await send(app, uploadUrl, init).catch(() => undefined);
    if (answer) expect(answer.status).toBe(400);
    else expect(length).toBe(900_000);
    expect((await put(app, uploadUrl, "hello")).status).toBe(200);
  });

  it("are refused where they cannot be of their type", async () => {
    const { uploadUrl } = await create(app, { mediaType: "image/png", size: 14 });
    const answer = await put(app, uploadUrl, "<script></script>".slice(0, 14), "image/png");
    expect([answer.status, await codeOf(answer)]).toEqual([400, "INVALID_INPUT"]);
  });

  it("leave nothing behind, nor does a sender that goes", async () => {
    const before = await onDisk(app);
    const { uploadUrl, file } = await create(app, { size: 1_000 });
    const { port, pathname } = new URL(uploadUrl, app.url);
    const headers = { authorization: "Bearer ada", "content-type": "text/plain", "content-length": 1_000 };
    const sender = request({ host: "127.0.0.1", port, path: pathname, method: "PUT", headers });
    sender.on("error", () => undefined).write("x".repeat(500));
    while ((await onDisk(app)).length === before.length) await new Promise((resolve) => setTimeout(resolve, 5));
    const second = await put(app, uploadUrl, "x".repeat(1_000));
    expect([second.status, await codeOf(second)]).toEqual([409, "CONFLICT"]);
    sender.destroy();
    while ((await onDisk(app)).length > before.length) await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await send(app, file.url)).status).toBe(409);
    expect((await put(app, uploadUrl, "x".repeat(1_000))).status).toBe(200);
  });
});

describe("limits", () => {
  it("hold for one viewer and not for another", async () => {
    await using small = await filesPlatform({ fileBytes: 100, viewerBytes: 150, unfinished: 2, mediaTypes: ["text/*"] });
    expect(await create(small, { mediaType: "image/png" })).toMatchObject({
      __typename: "InvalidInputError",
      path: ["input", "mediaType"],
    });
    const first = await create(small, { size: 100 });
    expect(await create(small, { size: 51 })).toMatchObject({ __typename: "ConflictError" });
    expect(await create(small, { size: 50 })).toMatchObject({ __typename: "CreateFilePayload" });
    expect(await create(small, { size: 1 })).toMatchObject({ __typename: "RateLimitedError" });
    expect((await put(small, first.uploadUrl, "x".repeat(100))).status).toBe(200);
    expect(await create(small, { size: 1 })).toMatchObject({ __typename: "ConflictError" });
    expect(await create(small, { size: 100 }, viewers.bob)).toMatchObject({ __typename: "CreateFilePayload" });
  });

  it("hold for the number of files, whatever their size", async () => {
    await using small = await filesPlatform({ viewerFiles: 2 });
    for (const text of ["one", "two"]) await uploaded(small, text);
    expect(await create(small, { size: 1 })).toMatchObject({ __typename: "RateLimitedError", message: "Too many files at once." });
    expect(await create(small, { size: 1 }, viewers.bob)).toMatchObject({ __typename: "CreateFilePayload" });
  });
});
