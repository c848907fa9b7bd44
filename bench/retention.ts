import { statSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { makeBed, type Bed } from "./bed.ts";
import { watch, type Watched } from "./converse.ts";
import { quantile, sleep, type Figure } from "./measure.ts";
import { lateness } from "./provider-alone.ts";

const events = 1_000_000;
const eventsOfMessage = 100;
const streams = 50;
/** 20 seconds at full pace. */
const question = "tokens=1000 rate=50";

/** How late the tokens of 50 streams are while a log of a million rows shrinks to its policy, beside the same without. */
export async function retention(): Promise<Figure[]> {
  const bed = await makeBed();
  const lines = await Promise.all([bed.line(), bed.line()]);
  const watched = await Promise.all(
    lines.flatMap((line) => Array.from({ length: streams / lines.length }, async () => watch(bed, "ours", line, await bed.thread()))),
  );
  await Promise.all(watched.map(({ ask }) => ask("tokens=20 rate=50")));
  fill(bed, await bed.thread());
  await bed.graphql(
    'mutation { setRetentionPolicy(input: { target: MESSAGES, maxAge: "P1D" }) { ... on SetRetentionPolicyPayload { policy { id } } } }',
  );
  const before = sizeOf(bed);
  const alone = await delayOf(watched);
  const began = performance.now();
  const { applyRetention } = await bed.graphql<{ applyRetention: { job: { id: string } } }>(
    "mutation { applyRetention { ... on ApplyRetentionPayload { job { id } } } }",
  );
  const beside = await delayOf(watched);
  const seconds = await endOf(bed, applyRetention.job.id, began);
  const left = rowsOf(bed);
  const after = sizeOf(bed);
  for (const line of lines) line.close();
  bed.close();
  return [
    {
      work: `${streams} streams × 50 tokens a second while a log of ${events / 1e6} million rows shrinks to its policy: delay p99, over that without`,
      unit: "",
      ours: beside.p99 / alone.p99,
      target: 1.2,
      better: "less",
      note: `${inWords(beside)}; without ${inWords(alone)}; it took ${seconds.toFixed(0)} s, from ${before} MB to ${after}, and ${left} of the old rows were left`,
    },
  ];
}

/** How late tokens were, in milliseconds: the latest is as late as the longest pause of the server made it. */
async function delayOf(watched: readonly Watched[]): Promise<{ readonly p99: number; readonly latest: number }> {
  const answers = await Promise.all(watched.map(({ ask }) => ask(question)));
  const late = answers.flatMap(({ frames }) => lateness(frames));
  return { p99: quantile(late, 0.99), latest: quantile(late, 1) };
}

/** Megabytes of the database file. */
const sizeOf = (bed: Bed): number => Math.round(statSync(join(bed.folder, "weftline.db")).size / 1e6);

const inWords = ({ p99, latest }: { readonly p99: number; readonly latest: number }): string =>
  `${p99.toFixed(1)} ms, at most ${latest.toFixed(0)} ms`;

/** A thread whose messages are old, each with rows of the log. */
function fill(bed: Bed, thread: string): void {
  const db = new Database(join(bed.folder, "weftline.db"), { timeout: 5_000 });
  const id = Buffer.from(thread, "base64url").toString().split(":").at(-1);
  const { num, tenant, owner } = db
    .prepare("select num, tenant_id as tenant, owner_id as owner from runs_stream where id = ?")
    .get(id) as Record<string, string | number>;
  const n = "with recursive n (i) as (select 0 union all select i + 1 from n where i < ?)";
  db.prepare(
    `insert into runs_event (stream_num, seq, at, kind, payload) ${n} select ?, i + 1, 1000, 'custom', json_object('name', 'old', 'data', printf('%.60c', 'x')) from n`,
  ).run(events - 1, num);
  db.prepare(
    `insert into runs_message (id, tenant_id, owner_id, stream_num, start_seq, turn_seq, seq, thread_id, role, status, parts, created_at)
     ${n} select 'old-' || i, ?, ?, ?, i * ${eventsOfMessage} + 1, i * ${eventsOfMessage} + 1, i * ${eventsOfMessage} + 1, ?, 'USER', 'COMPLETE',
     json_array(json_object('type', 'text', 'text', printf('%.200c', 'x'))), 1000 from n`,
  ).run(events / eventsOfMessage - 1, tenant, owner, num, id);
  db.prepare("update runs_stream set head = ? where num = ?").run(events, num);
  db.pragma("wal_checkpoint(TRUNCATE)");
  db.close();
}

function rowsOf(bed: Bed): number {
  const db = new Database(join(bed.folder, "weftline.db"), { readonly: true });
  const left = db.prepare("select count(*) from runs_event where at = 1000").pluck().get() as number;
  db.close();
  return left;
}

async function endOf(bed: Bed, run: string, began: number): Promise<number> {
  for (;;) {
    const { run: found } = await bed.graphql<{ run: { status: string } }>("query ($id: ID!) { run(id: $id) { status } }", { id: run });
    if (found.status === "SUCCEEDED") return (performance.now() - began) / 1_000;
    if (found.status === "FAILED") throw new Error("Retention failed.");
    await sleep(100);
  }
}
