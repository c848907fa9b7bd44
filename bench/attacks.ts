import { attacks as all } from "../test/attacks/attacks.ts";
import { startAttackedServer } from "../test/attacks/server.ts";
import type { Figure } from "./measure.ts";

const rounds = 3;

/** How long another tenant waits at most for `{ viewer { id } }` while one caller does its worst: the median of three rounds. */
export async function attacks(): Promise<Figure[]> {
  const server = await startAttackedServer();
  const figures: Figure[] = [];
  for (const [name, attack] of Object.entries(all)) {
    const longest: number[] = [];
    for (let round = 0; round < rounds; round++) longest.push(Math.max(...(await server.others(() => attack(server)))));
    figures.push({
      work: `others' longest wait under ${name}`,
      unit: "ms",
      ours: longest.toSorted((a, b) => a - b)[1] ?? Number.NaN,
      target: 250,
      better: "less",
    });
  }
  await server.stop();
  return figures;
}
