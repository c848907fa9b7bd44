import { converse, makeBed, quantile, type Figure } from "./bed.ts";

export async function firstToken(): Promise<Figure[]> {
  const bed = await makeBed();
  const client = bed.socket();
  const threads = await Promise.all(Array.from({ length: 50 }, () => bed.thread()));
  const thread = threads[0] ?? "";
  for (let warm = 0; warm < 30; warm++) await converse(bed, client, thread, "tokens=10 rate=0");
  const alone: number[] = [];
  for (let round = 0; round < 100; round++)
    alone.push((await converse(bed, client, threads[round % 50] ?? "", "tokens=10 rate=0")).firstMs);
  const together: number[] = [];
  for (let round = 0; round < 5; round++) {
    const answers = await Promise.all(threads.map((each) => converse(bed, client, each, "tokens=10 rate=0")));
    together.push(...answers.map(({ firstMs }) => firstMs));
  }
  await client.dispose();
  bed.close();
  return [
    {
      work: "time to first token, p50, 1 / 50 at a time",
      ours: `${quantile(alone, 0.5).toFixed(1)} / ${quantile(together, 0.5).toFixed(1)} ms`,
      target: "≤ 1.9 / ≤ 30 ms over the provider's own",
    },
  ];
}
