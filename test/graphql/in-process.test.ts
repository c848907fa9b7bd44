import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ada, serve, until, type Served } from "./fixture.ts";

describe("operations in process", () => {
  let app: Served;
  beforeAll(async () => {
    app = await serve();
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
  });

  it("run as the viewer that they name", async () => {
    const { data, errors } = await app.platform.execute<{ viewer: { name: string } }>({ query: "{ viewer { name } }", viewer: ada });
    expect(errors).toBeUndefined();
    expect(data?.viewer.name).toBe("Ada");
  });

  it("take variables and the name of the operation", async () => {
    const query = "query A($text: String!) { probeEcho(text: $text) } query B { viewer { id } }";
    const { data } = await app.platform.execute({ query, variables: { text: "hello" }, operationName: "A", viewer: ada });
    expect({ ...data }).toEqual({ probeEcho: "hello" });
  });

  it("answer refusals and masked failures as results", async () => {
    expect(await app.platform.execute({ query: "{ nothing }", viewer: ada })).toMatchObject({
      errors: [{ extensions: { code: "GRAPHQL_VALIDATION_FAILED" } }],
    });
    expect(await app.platform.execute({ query: "{", viewer: ada })).toMatchObject({
      errors: [{ extensions: { code: "GRAPHQL_PARSE_FAILED" } }],
    });
    const { errors } = await app.platform.execute({ query: "{ probeBug }", viewer: ada, requestId: "request-7" });
    expect(errors).toMatchObject([{ message: "Something went wrong here.", extensions: { code: "INTERNAL", requestId: "request-7" } }]);
    const refused = await app.platform.subscribe({ query: "subscription { probeRefused }", viewer: ada });
    expect(refused).toMatchObject({ errors: [{ extensions: { code: "NOT_FOUND" } }] });
  });

  it("attach a subscription before they answer, and free it when its reader leaves", async () => {
    const stream = await app.platform.subscribe({ query: "subscription { probeFeed }", viewer: ada });
    if (!(Symbol.asyncIterator in stream)) throw new Error("The subscription was refused.");
    expect(app.probe.open).toBe(1);
    app.probe.push("one");
    app.probe.push("two");
    const seen: unknown[] = [];
    for await (const { data } of stream) {
      seen.push(data?.["probeFeed"]);
      if (seen.length === 2) break;
    }
    expect(seen).toEqual(["one", "two"]);
    await until(() => app.probe.open === 0);
  });

  it("do not take a subscription for a query", async () => {
    await expect(app.platform.execute({ query: "subscription { probeFeed }", viewer: ada })).rejects.toMatchObject({
      code: "INVALID_INPUT",
    });
    await until(() => app.probe.open === 0);
  });
});
