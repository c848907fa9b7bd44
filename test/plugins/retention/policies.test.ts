import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testViewer } from "../../../src/testing/index.ts";
import { ada, eve, type ChatPlatform } from "../chat/fixture.ts";
import { admin, apply, applied, kept, preview, setPolicy } from "./world.ts";

const other = testViewer("eve", { tenantId: "elsewhere", roles: ["admin"] });
let chat: ChatPlatform;
beforeAll(async () => void (chat = await kept()));
afterAll(() => chat.app.close());

const list = async (viewer = ada): Promise<readonly object[]> =>
  (await chat.app.graphql<{ retentionPolicies: object[] }>("{ retentionPolicies { id target scope maxAge maxCount enabled } }", {}, viewer))
    .retentionPolicies;

describe("policies of retention", () => {
  it("are set by admins, one a target, read by members, and by nobody elsewhere", async () => {
    const { policy } = await setPolicy(chat.app, { target: "MESSAGES", maxAge: "P30D" });
    expect(policy).toMatchObject({ target: "MESSAGES", maxAge: "P30D", maxCount: null, enabled: true, lastAppliedAt: null });
    const again = await setPolicy(chat.app, { target: "MESSAGES", maxCount: 100 });
    expect(again.policy).toMatchObject({ id: policy?.id, maxAge: "P30D", maxCount: 100 });
    expect((await setPolicy(chat.app, { target: "MESSAGES", maxAge: null, enabled: false })).policy).toMatchObject({
      maxAge: null,
      enabled: false,
    });
    expect(await list()).toEqual([{ id: policy?.id, target: "MESSAGES", scope: null, maxAge: null, maxCount: 100, enabled: false }]);
    expect(await list(eve)).toEqual([]);
    expect((await setPolicy(chat.app, { target: "MESSAGES", maxAge: "P1D" }, other)).policy?.id).not.toBe(policy?.id);
    const { node } = await chat.app.graphql("query ($id: ID!) { node(id: $id) { id } }", { id: policy?.id }, other);
    expect(node).toBeNull();
  });

  it("are refused to members, with what they would remove", async () => {
    expect(await setPolicy(chat.app, { target: "RUNS", maxAge: "P1D" }, ada)).toMatchObject({ code: "FORBIDDEN" });
    expect(await apply(chat.app, {}, ada)).toMatchObject({ code: "FORBIDDEN" });
    expect(await preview(chat.app, ada)).toBeNull();
  });

  it("are refused where they make no sense, and change nothing", async () => {
    const before = await list();
    const refused = async (input: object): Promise<unknown> => {
      const answer = await setPolicy(chat.app, input);
      expect(answer).toMatchObject({ __typename: "InvalidInputError", code: "INVALID_INPUT" });
      return answer.issues?.map(({ path }) => path.at(-1));
    };
    expect(await refused({ target: "RUNS" })).toEqual(["maxAge"]);
    expect(await refused({ target: "RUNS", maxAge: "PT1S", maxCount: 0 })).toEqual(["maxAge", "maxCount"]);
    expect(await refused({ target: "RUNS", maxAge: "P1000Y" })).toEqual(["maxAge"]);
    expect(await refused({ target: "RUNS", maxCount: -1 })).toEqual(["maxCount"]);
    expect(await refused({ target: "RUNS", scope: "USER", maxCount: 1 })).toEqual(["scope"]);
    expect(await refused({ target: "RUN_DELTAS", maxCount: 1 })).toEqual(["maxCount"]);
    expect(await refused({ target: "MEMORY", maxCount: 1 })).toEqual(["target"]);
    expect(await refused({ target: "MESSAGES", maxCount: null })).toEqual(["maxAge"]);
    expect(await list()).toEqual(before);
  });

  it("are applied by name where they are on, and by nobody twice at once", async () => {
    const { policy } = await setPolicy(chat.app, { target: "RUNS", maxCount: 1_000 });
    const { policy: off } = await setPolicy(chat.app, { target: "AUDIT", maxCount: 5, enabled: false });
    expect(await apply(chat.app, { policies: [off?.id] })).toMatchObject({ code: "INVALID_INPUT" });
    expect(await apply(chat.app, { policies: ["UmV0ZW50aW9uUG9saWN5Om5vbmU"] })).toMatchObject({
      __typename: expect.stringMatching(/Error$/),
    });
    expect(await apply(chat.app, { policies: [policy?.id] }, other)).toMatchObject({ code: "NOT_FOUND" });
    const dry = await apply(chat.app, { policies: [policy?.id], dryRun: true });
    expect(dry).toMatchObject({ previews: [{ rows: 0, oldest: null }], job: null });
    const both = await Promise.all([apply(chat.app, { policies: [policy?.id] }), apply(chat.app, { policies: [policy?.id] })]);
    expect(both.map(({ code }) => code ?? "started").toSorted()).toEqual(["BUSY", "started"]);
    const job = both.find(({ job: found }) => found)?.job;
    expect(await applied(chat.app, job?.id)).toEqual({ removed: {} });
    const { node } = await chat.app.graphql<{ node: { lastAppliedAt: string | null } }>(
      "query ($id: ID!) { node(id: $id) { ... on RetentionPolicy { lastAppliedAt } } }",
      { id: policy?.id },
      admin,
    );
    expect(Date.parse(node.lastAppliedAt ?? "")).toBeGreaterThan(Date.now() - 60_000);
  });
});
