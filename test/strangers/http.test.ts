import { serverAudits } from "graphql-http";
import { afterAll, describe, expect, inject, it } from "vitest";

/** What a server may allow and ours does not: a request by GET names itself by a header, which no foreign page can set. */
const intended = ["notice 5A70 403", "notice 6A70 403", "notice D6D5 403"];

describe("GraphQL over HTTP, as graphql-http audits it", () => {
  const reported: { readonly what: string; readonly name: string }[] = [];
  afterAll(() => {
    for (const { what, name } of reported) process.stdout.write(`${what}: ${name}\n`);
  });

  it.for(serverAudits({ url: inject("url") }))("$name", async ({ id, name, fn }) => {
    const result = await fn();
    if (result.status === "ok") return;
    reported.push({ what: `${result.status} ${id} ${result.response.status}`, name });
    expect(result.status, result.reason).not.toBe("error");
  });

  it("warns of nothing, and notices what is intended", () => {
    expect(reported.map(({ what }) => what).toSorted()).toEqual(intended);
  });
});
