import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Interrupt } from "#weftline";
import type { TestPlatform } from "../../../src/testing/index.ts";
import { alice, bob, boot, tess } from "./world.ts";

/** How many interrupts there are of each: alice's own, and of each role. */
const many = 300;
const nobody = { ...bob, roles: [] };
const twice = { ...tess, roles: ["treasurer", "auditor-of-2"] };

let app: TestPlatform;
beforeAll(async () => {
  app = await boot();
  const numbers = `with recursive n(i) as (select 0 union all select i + 1 from n where i < ${many - 1})`;
  await app.platform.database.commit(async ({ sql }) => {
    // Every second one is named for two roles, every third is resolved; some were asked at the same time.
    await sql.run(
      `${numbers} insert into runs_interrupt (id, tenant_id, owner_id, run_id, stream_num, seq, kind, status, message, allowed, created_at)
       select printf('i%04d', i), ?, 'alice', 'run', 0, 0, case i % 4 when 0 then 'INPUT' else 'REVIEW' end,
       case i % 3 when 0 then 'RESOLVED' else 'PENDING' end, 'm', '[]', i / 2 from n`,
      alice.tenantId,
    );
    for (const [role, every] of [
      ["treasurer", 1],
      ["auditor-of-2", 2],
    ] as const)
      await sql.run(
        `insert into runs_approver (interrupt_id, principal, tenant_id, run_id, status, created_at)
         select id, ?, tenant_id, run_id, status, created_at from runs_interrupt where rowid % ? = 0`,
        `role:${role}`,
        every,
      );
  });
});
afterAll(() => app.close());

interface Page {
  readonly nodes: readonly { readonly id: string }[];
  readonly totalCount: number;
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly endCursor: string;
    readonly startCursor: string;
  };
}

async function page(viewer: typeof alice, args: object): Promise<Page> {
  const { interrupts } = await app.graphql<{ interrupts: Page }>(
    `query ($first: Int, $after: String, $last: Int, $before: String, $status: [InterruptStatus!], $kind: [InterruptKind!], $decidable: Boolean) {
      interrupts(first: $first, after: $after, last: $last, before: $before, status: $status, kind: $kind, decidable: $decidable) {
        totalCount nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      }
    }`,
    args as never,
    viewer,
  );
  return interrupts;
}

/** All pages in one direction, in the order of the list. */
async function walk(viewer: typeof alice, args: object, from: "newest" | "oldest"): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor: string | null = null; ;) {
    const found: Page = await page(viewer, {
      ...args,
      ...(from === "newest" ? { first: 70, after: cursor } : { last: 70, before: cursor }),
    });
    const onPage = found.nodes.map(({ id }) => id);
    if (from === "newest") ids.push(...onPage);
    else ids.unshift(...onPage);
    const { hasNextPage, hasPreviousPage, endCursor, startCursor } = found.pageInfo;
    if (!(from === "newest" ? hasNextPage : hasPreviousPage)) return ids;
    cursor = from === "newest" ? endCursor : startCursor;
  }
}

describe("the list of interrupts", () => {
  it("is the same for who owns them and for who may decide them, in pages of both directions, each once", async () => {
    for (const filter of [
      { status: null },
      { status: ["PENDING"] },
      { status: ["RESOLVED"], kind: ["INPUT"] },
      { status: null, decidable: true },
    ]) {
      const all = await walk(alice, filter, "newest");
      expect(new Set(all).size).toBe(all.length);
      expect((await page(twice, filter)).totalCount).toBe(all.length);
      for (const viewer of [alice, tess, twice])
        for (const from of ["newest", "oldest"] as const) expect(await walk(viewer, filter, from)).toEqual(all);
    }
    expect((await walk(alice, { status: null }, "newest")).length).toBe(many);
    expect((await page(nobody, { status: null })).totalCount).toBe(0);
    await expect(page(tess, { after: "nonsense" })).rejects.toThrow("cursor");
  });

  it("reads each part in the order of an index, whoever asks and whatever page", async () => {
    const { read } = app.platform.database;
    const asked: { readonly text: string; readonly params: readonly never[] }[] = [];
    const all = read.all.bind(read);
    read.all = (async (text: string, ...params: never[]) => {
      if (/runs_(interrupt|approver)/.test(text)) asked.push({ text, params });
      return all(text, ...params);
    }) as typeof read.all;
    const { pageInfo } = await page(twice, { first: 10, status: null });
    await page(twice, { first: 10, after: pageInfo.endCursor });
    await page(twice, { last: 10, before: pageInfo.endCursor, kind: ["INPUT"] });
    read.all = all;
    const few = app.platform.database
      .em(twice)
      .qb(Interrupt)
      .where({ id: { $in: Array.from({ length: 20 }, String) } });
    asked.push({ text: few.getFormattedQuery(), params: [] });
    const plans = await Promise.all(
      asked.map(async ({ text, params }) => {
        const steps = await read.all<{ detail: string }>(`explain query plan ${text}`, ...params);
        return { text, steps: steps.map(({ detail }) => detail) };
      }),
    );
    expect(plans.length).toBeGreaterThan(20);
    // What was asked at one time may be sorted among itself.
    const isWrong = (step: string): boolean => /^SCAN|TEMP B-TREE FOR ORDER BY|\(tenant_id=\?( AND principal=\?)?\)/.test(step);
    const wrong = plans.filter(({ steps }) => steps.some(isWrong));
    expect(wrong).toEqual([]);
  });
});
