import { makeBed, type Figure } from "./bed.ts";

export async function boot(): Promise<Figure[]> {
  const bed = await makeBed();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const memory = bed.memory();
  bed.close();
  return [
    {
      work: "boot to first answer; memory idle",
      ours: `${bed.bootMs.toFixed(0)} ms; ${memory.toFixed(0)} MiB`,
      target: "≤ 600 ms; ≤ 140 MiB",
    },
  ];
}
