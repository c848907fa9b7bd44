import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { makeBed, withBenchPlugin } from "./bed.ts";
import type { Line } from "./client.ts";
import { watch, type Watched } from "./converse.ts";
import { quantile, sleep, type Figure } from "./measure.ts";
import { lateness } from "./provider-alone.ts";
import type { FactLine } from "./remember.ts";
import { embedded, facts, sentences } from "./sentences.ts";

const records = 100_000;
/** Those of the viewer's tenant come first, and the viewer's own last of them; the other nine tenants share the rest. */
const ofTenant = 60_000;
const ofViewer = 3_000;
const others = 9;
/** How many sentences the facts are made of. Queries are sentences that are in no fact. */
const known = 3_000;
const streams = 20;
const rounds = 3;
/** 10 seconds at full pace. */
const question = "tokens=500 rate=50";
const everyMs = 100;
/** How many queries find whether the nearest are found. */
const judged = 100;

const query = `query ($query: String!, $scopes: [MemoryScopeInput!]!, $limit: Int!) {
  searchMemory(input: { query: $query, scopes: $scopes, limit: $limit }) { record { id text } score similarity matchedBy } }`;
const all = [{ scope: "TENANT" }, { scope: "USER" }];
const own = [{ scope: "USER" }];

interface Hit {
  readonly record: { readonly text: string };
  readonly similarity: number | null;
}

/** What a search of the memory takes by GraphQL, embedding of its query included, while streams go on; how late these are; and what is found. */
export async function memorySearch(): Promise<Figure[]> {
  const prose = sentences();
  const vectors = await embedded(prose.slice(0, known));
  const asked = prose.slice(known);
  const made = [...facts(prose.slice(0, known), vectors, records)];
  const mine = made.slice(0, ofTenant);
  const bed = await makeBed("ours", withBenchPlugin);
  const path = join(bed.folder, "facts");
  write(path, made);
  const { benchRemember: inserted } = await bed.graphql<{ benchRemember: number }>(
    "mutation ($path: String!) { benchRemember(path: $path) }",
    {
      path,
    },
  );
  const line = await bed.line();
  for (let warm = 0; warm < 50; warm++) await find(line, asked.pop() ?? "", all, 10);

  const questions = asked.splice(0, judged);
  const [alone, wanted] = await embedEach(questions);
  const approximate = await recallOf(line, { questions, wanted, among: mine, scopes: all });
  const exact = await recallOf(line, { questions, wanted, among: mine.slice(-ofViewer), scopes: own });
  const small: number[] = [];
  for (let n = 0; n < judged; n++) small.push(await timed(line, asked.pop() ?? "", own));

  const lines = await Promise.all([bed.line(), bed.line()]);
  const watched = await Promise.all(
    lines.flatMap((one) => Array.from({ length: streams / lines.length }, async () => watch(bed, "ours", one, await bed.thread()))),
  );
  await Promise.all(watched.map(({ ask }) => ask("tokens=100 rate=50")));
  const [without, within, times]: [number[], number[], number[]] = [[], [], []];
  let cores = "";
  for (let round = 0; round < rounds; round++) {
    without.push(...(await delaysOf(watched)));
    const meter = bed.meter();
    const [late, took] = await searched({ watched, asked, line });
    cores = meter();
    within.push(...late);
    times.push(...took);
  }
  for (const one of [line, ...lines]) one.close();
  bed.close();
  const p99 = (delays: readonly number[]): number => quantile(delays, 0.99);
  const work = `searching ${ofTenant.toLocaleString("en")} of ${records.toLocaleString("en")} memories`;
  return [
    {
      work: `${work}, 10 a second beside ${streams} streams × 50 tokens a second: p50`,
      unit: "ms",
      ours: quantile(times, 0.5),
      bound: quantile(alone, 0.5),
      target: 25,
      better: "less",
      note: `p95 ${quantile(times, 0.95).toFixed(1)} ms; cores: ${cores}; of ${ofViewer.toLocaleString("en")} without streams p50 ${quantile(small, 0.5).toFixed(1)} ms; bound: to embed the query, alone`,
    },
    {
      work: `${streams} streams × 50 tokens a second beside these searches: delay p99, over that without`,
      unit: "",
      ours: p99(within) / p99(without),
      target: 1.2,
      better: "less",
      note: `${p99(within)} ms, without ${p99(without)} ms`,
    },
    {
      work: `${work}: recall@10`,
      unit: "",
      ours: approximate,
      target: 0.95,
      better: "more",
      note: `against all vectors, for ${judged} queries`,
    },
    { work: `searching ${ofViewer.toLocaleString("en")} memories: recall@10`, unit: "", ours: exact, target: 1, better: "more" },
    {
      work: "memories inserted in batches with their vectors: a second",
      unit: "",
      ours: inserted,
      target: 2_000,
      better: "more",
      note: `with words, sketch and ${made[0]?.vector.length} numbers each`,
    },
  ];
}

function write(path: string, made: readonly { readonly text: string; readonly vector: Float32Array }[]): void {
  const lines = made.map(({ text }, at): FactLine => {
    if (at < ofTenant) return { text, scope: at < ofTenant - ofViewer ? "TENANT" : "USER" };
    return { text, scope: "TENANT", tenant: `tenant-${at % others}` };
  });
  writeFileSync(`${path}.json`, JSON.stringify(lines));
  const file = openSync(`${path}.f32`, "w");
  for (const { vector } of made) writeSync(file, new Uint8Array(vector.buffer));
  closeSync(file);
}

async function find(line: Line, text: string, scopes: readonly object[], limit: number): Promise<readonly Hit[]> {
  const { searchMemory } = await line.ask<{ searchMemory: readonly Hit[] }>(query, { query: text, scopes, limit });
  return searchMemory;
}

async function timed(line: Line, text: string, scopes: readonly object[]): Promise<number> {
  const began = performance.now();
  const hits = await find(line, text, scopes, 10);
  if (hits.length !== 10) throw new Error(`${hits.length} records were found`);
  return performance.now() - began;
}

/** Queries are embedded one at a time, as they come. @returns how long each took, and their vectors. */
async function embedEach(texts: readonly string[]): Promise<[number[], Float32Array[]]> {
  const [times, vectors]: [number[], Float32Array[]] = [[], []];
  for (const text of texts) {
    const began = performance.now();
    vectors.push(...(await embedded([text])));
    times.push(performance.now() - began);
  }
  return [times, vectors];
}

interface Judged {
  readonly questions: readonly string[];
  readonly wanted: readonly Float32Array[];
  readonly among: readonly { readonly text: string; readonly vector: Float32Array }[];
  readonly scopes: readonly object[];
}

/** Which share of the ten nearest is among the ten nearest of those that were found by their vectors. All that ranks as high is within the first hundred. */
async function recallOf(line: Line, { questions, wanted, among, scopes }: Judged): Promise<number> {
  let found = 0;
  for (const [at, text] of questions.entries()) {
    const hits = (await find(line, text, scopes, 100)).filter(({ similarity }) => similarity !== null);
    const nearest = hits.toSorted((a, b) => (b.similarity ?? 0) - (a.similarity ?? 0)).slice(0, 10);
    const truth = new Set(nearestOf(wanted[at] ?? new Float32Array(), among));
    found += nearest.filter(({ record }) => truth.has(record.text)).length;
  }
  return found / questions.length / 10;
}

function nearestOf(to: Float32Array, among: Judged["among"]): string[] {
  const ranked = among.map(({ text, vector }) => {
    let dot = 0;
    for (let at = 0; at < to.length; at++) dot += (to[at] ?? 0) * (vector[at] ?? 0);
    return { text, dot };
  });
  return ranked
    .toSorted((a, b) => b.dot - a.dot)
    .slice(0, 10)
    .map(({ text }) => text);
}

async function delaysOf(watched: readonly Watched[]): Promise<number[]> {
  return (await Promise.all(watched.map(({ ask }) => ask(question)))).flatMap(({ frames }) => lateness(frames));
}

interface Load {
  readonly watched: readonly Watched[];
  readonly asked: string[];
  readonly line: Line;
}

/** No query is asked twice. @returns how late tokens were and how long searches took. */
async function searched({ watched, asked, line }: Load): Promise<[number[], number[]]> {
  const times: number[] = [];
  let over = false;
  const late = delaysOf(watched).finally(() => (over = true));
  while (!over) {
    const next = sleep(everyMs);
    times.push(await timed(line, asked.pop() ?? "", all));
    await next;
  }
  return [await late, times];
}
