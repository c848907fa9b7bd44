import { makeBed, type Side } from "./bed.ts";
import { sleep, type Figure } from "./measure.ts";
import { layPackage } from "./package.ts";

/** From the command to the first answer, on a database that is migrated; and what it takes when nothing happens. */
export async function boot(): Promise<Figure[]> {
  using laid = layPackage();
  const ours = await ofServer("ours", laid.weftline);
  const sources = await ofServer("ours");
  const bound = await ofServer("bound");
  return [
    { work: "boot to first answer", unit: "ms", ours: ours.ms, bound: bound.ms, target: 600, boundThen: 339, better: "less" },
    {
      work: "boot from the sources, with dependencies in some 1,000 files",
      unit: "ms",
      ours: sources.ms,
      bound: bound.ms,
      better: "less",
    },
    { work: "memory idle", unit: "MiB", ours: ours.memory, bound: bound.memory, target: 130, boundThen: 98, better: "less" },
  ];
}

async function ofServer(side: Side, weftline?: readonly string[]): Promise<{ ms: number; memory: number }> {
  const beds: { ms: number; memory: number }[] = [];
  for (let round = 0; round < 5; round++) {
    const bed = await makeBed(side, weftline);
    // Two seconds after its start the server gives back what only that needed.
    await sleep(4_000);
    beds.push({ ms: bed.bootMs, memory: bed.memory() / 1024 });
    bed.close();
  }
  return beds.toSorted((a, b) => a.ms - b.ms)[2] ?? { ms: Number.NaN, memory: Number.NaN };
}
