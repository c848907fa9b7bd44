import { converse, makeBed, quantile, type Figure } from "./bed.ts";

export async function streams(): Promise<Figure[]> {
  const bed = await makeBed();
  const client = bed.socket();
  const thread = await bed.thread();
  await converse(bed, client, thread, "tokens=20000 rate=0");
  const began = performance.now();
  const { deltas } = await converse(bed, client, thread, "tokens=200000 rate=0");
  const rate = 200_000 / ((performance.now() - began) / 1_000);
  const whole = deltas.reduce((sum, { text }) => sum + text.length, 0);
  if (whole !== 200_000 * "token ".length) throw new Error(`only ${whole} characters came`);

  const threads = await Promise.all(Array.from({ length: 100 }, () => bed.thread()));
  const cpu = bed.cpu();
  const clients = Array.from({ length: 4 }, () => bed.socket());
  const answers = await Promise.all(threads.map((each, index) => converse(bed, clients[index % 4] ?? client, each, "tokens=400 rate=50")));
  const perThousand = ((bed.cpu() - cpu) / (100 * 400)) * 1_000;
  const delays = answers.flatMap(({ deltas: each }) => lateness(each));
  for (const each of [client, ...clients]) await each.dispose();
  bed.close();
  return [
    { work: "one stream, tokens/s", ours: `${Math.round(rate / 1_000)},000`, target: "≥ 200,000" },
    {
      work: "100 streams × 50 tokens/s, added delay p50 / p99; CPU s per 1,000 tokens",
      ours: `${quantile(delays, 0.5).toFixed(1)} / ${quantile(delays, 0.99).toFixed(1)} ms; ${perThousand.toFixed(3)}`,
      target: "≤ 12 / ≤ 30 ms; ≤ 0.09",
    },
  ];
}

/** How long each token was under way: its text is the time at which the provider sent it. */
function lateness(deltas: readonly { readonly at: number; readonly text: string }[]): number[] {
  return deltas.flatMap(({ at, text }) => (text.match(/\d{13}/g) ?? []).map((sent) => at - Number(sent)));
}
