import { afterAll, beforeAll, expect, it } from "vitest";
import { auth } from "../../../src/plugins/auth/index.ts";
import { probePlugin, serve, tokens, viewers, type Served } from "../../graphql/fixture.ts";
import { ask, codesOf, ways } from "./ways.ts";

let app: Served;
beforeAll(async () => {
  app = await serve({ plugins: [auth({ viewers }), probePlugin()] });
});
afterAll(() => app[Symbol.asyncDispose]());

/** On a fast machine each takes little more than what is free. */
const most = 3_000;

/** Valid, and another text each time, so that no earlier one is remembered. */
const costly = (at: string): string => `{ ${"viewer { id } ".repeat(480)} } # ${at}`;

it("documents that take long to validate are refused, on every transport, to the viewer who sends many", async () => {
  let refused: Awaited<ReturnType<typeof ask>> | undefined;
  for (let at = 0; at < most && !refused; at++) {
    const answer = await ask(app, "HTTP", { query: costly(`${at}`), token: tokens.ada });
    if (answer.errors.length > 0) refused = answer;
  }
  expect(refused && codesOf(refused)).toEqual(["RATE_LIMITED"]);
  expect(refused?.errors[0]?.extensions["retryAfterMs"]).toBeGreaterThan(0);
  // Somebody else is answered, with the same document.
  expect(codesOf(await ask(app, "HTTP", { query: costly("bob's"), token: tokens.bob }))).toEqual([]);
  for (const way of ways) {
    let codes: unknown[] = [];
    for (let at = 0; at < most && codes.length === 0; at++)
      codes = codesOf(await ask(app, way, { query: costly(`${way} ${at}`), token: tokens.ada }));
    expect([way, codes]).toEqual([way, ["RATE_LIMITED"]]);
  }
}, 60_000);

it("documents that take no time are never counted", async () => {
  for (let at = 0; at < 200; at++) {
    const { errors } = await ask(app, "HTTP", { query: `{ viewer { id } } # ${at}`, token: tokens.bob });
    expect(errors).toEqual([]);
  }
});
