import { makeBed, type Figure } from "./bed.ts";

export async function shortRuns(): Promise<Figure[]> {
  const bed = await makeBed();
  const client = bed.socket();
  const start = `mutation ($agent: ID!) { startRun(input: { target: { agent: { id: $agent } }, text: "tokens=10 rate=0" }) { ... on StartRunPayload { run { id } } } }`;
  const watch = `subscription ($run: ID!) { runEvents(run: $run, after: 0) { type ... on MessageDeltaEvent { text } } }`;
  const one = async (): Promise<void> => {
    const { startRun } = await bed.graphql<{ startRun: { run: { id: string } } }>(start, { agent: bed.agent });
    for await (const { errors } of client.iterate({ query: watch, variables: { run: startRun.run.id } }))
      if (errors) throw new Error(JSON.stringify(errors));
  };
  const load = async (seconds: number): Promise<number> => {
    const until = performance.now() + seconds * 1_000;
    let runs = 0;
    await Promise.all(
      Array.from({ length: 32 }, async () => {
        while (performance.now() < until) {
          await one();
          runs++;
        }
      }),
    );
    return runs;
  };
  await load(2);
  const cpu = bed.cpu();
  const began = performance.now();
  const runs = await load(8);
  const perSecond = runs / ((performance.now() - began) / 1_000);
  const perRun = ((bed.cpu() - cpu) / runs) * 1_000;
  await client.dispose();
  bed.close();
  return [
    { work: "short runs/s at concurrency 32; CPU ms a run", ours: `${perSecond.toFixed(0)}; ${perRun.toFixed(2)}`, target: "≥ 800; ≤ 1.3" },
  ];
}
