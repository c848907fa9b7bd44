import { setTimeout as pause } from "node:timers/promises";
import { expect } from "vitest";
import type { Viewer } from "../../../src/core/index.ts";
import { retention } from "../../../src/plugins/index.ts";
import type { TestPlatform } from "../../../src/testing/index.ts";
import { admin, chatPlatform, type ChatPlatform } from "../chat/fixture.ts";
import { echo, type Play } from "../chat/play.ts";
import type { PluginList } from "../../../src/core/kernel/spec.ts";

export { admin };

/** A platform with chat and retention. */
export async function kept({
  play = { turn: echo },
  everyMs = 3_600_000,
  more = [],
}: { readonly play?: Play; readonly everyMs?: number; readonly more?: PluginList } = {}): Promise<ChatPlatform> {
  return chatPlatform(play, undefined, [retention({ everyMs }), more]);
}

export interface Policy {
  readonly id: string;
  readonly target: string;
  readonly maxAge: string | null;
  readonly maxCount: number | null;
  readonly enabled: boolean;
  readonly lastAppliedAt: string | null;
}

export interface Answer {
  readonly __typename: string;
  readonly code?: string;
  readonly issues?: readonly { readonly path: readonly string[]; readonly message: string }[];
  readonly policy?: Policy;
  readonly previews?: readonly { readonly rows: number; readonly oldest: string | null; readonly policy: Policy }[];
  readonly job?: { readonly id: string } | null;
}

const failure = "... on UserError { code message path } ... on InvalidInputError { issues { path message } }";
const policy = "id target scope maxAge maxCount enabled lastAppliedAt";

export async function setPolicy(app: TestPlatform, input: object, viewer: Viewer = admin): Promise<Answer> {
  const { result } = await app.graphql<{ result: Answer }>(
    `mutation ($input: SetRetentionPolicyInput!) { result: setRetentionPolicy(input: $input) { __typename
      ... on SetRetentionPolicyPayload { policy { ${policy} } } ${failure} } }`,
    { input },
    viewer,
  );
  return result;
}

export async function apply(app: TestPlatform, args: Readonly<Record<string, unknown>> = {}, viewer: Viewer = admin): Promise<Answer> {
  const { result } = await app.graphql<{ result: Answer }>(
    `mutation ($policies: [ID!], $dryRun: Boolean) { result: applyRetention(policies: $policies, dryRun: $dryRun) { __typename
      ... on ApplyRetentionPayload { previews { rows oldest policy { ${policy} } } job { id } } ${failure} } }`,
    args,
    viewer,
  );
  return result;
}

export async function preview(app: TestPlatform, viewer: Viewer = admin): Promise<Answer["previews"]> {
  const { retentionPreview } = await app.graphql<{ retentionPreview: NonNullable<Answer["previews"]> }>(
    `{ retentionPreview { rows oldest policy { ${policy} } } }`,
    {},
    viewer,
  );
  return retentionPreview;
}

/** The output of a run of the job, at its end. */
export async function applied(app: TestPlatform, id: string | undefined, viewer: Viewer = admin): Promise<unknown> {
  for (let tries = 0; tries < 2_000; tries++) {
    const { run } = await app.graphql<{ run: { status: string; output: unknown; failure: object | null } }>(
      "query ($id: ID!) { run(id: $id) { status output failure { code message } } }",
      { id },
      viewer,
    );
    if (run.status === "SUCCEEDED") return run.output;
    if (["FAILED", "CANCELLED", "EXPIRED"].includes(run.status)) throw new Error(JSON.stringify(run));
    await pause(5);
  }
  throw new Error("The job does not end.");
}

/** Sets a policy, applies all, and answers with what went. */
export async function keepOnly(app: TestPlatform, input: object): Promise<unknown> {
  expect(await setPolicy(app, input)).toMatchObject({ __typename: "SetRetentionPolicyPayload" });
  const { job } = await apply(app);
  return applied(app, job?.id);
}

export const countOf = async (app: TestPlatform, query: string): Promise<number> =>
  (await app.platform.database.read.get<{ n: number }>(`select count(*) as n from ${query}`))?.n ?? 0;

/** Moves the times of rows back, as if they had been written so long ago. */
export async function ago(app: TestPlatform, ms: number): Promise<void> {
  await app.platform.database.commit(async ({ sql }) => {
    for (const [table, column] of [
      ["runs_message", "created_at"],
      ["runs_run", "finished_at"],
      ["runs_run", "created_at"],
      ["runs_event", "at"],
      ["runs_checkpoint", "created_at"],
      ["runs_tool_call_audit", "finished_at"],
      ["runs_stream", "compactable_at"],
    ])
      await sql.run(`update ${table} set ${column} = ${column} - ? where ${column} is not null`, ms);
  });
}
