import { makeBed, quantile, type Figure } from "./bed.ts";

export async function history(): Promise<Figure[]> {
  const bed = await makeBed();
  const thread = await bed.thread();
  const client = bed.socket();
  // Queued runs answer one behind the other: 2,500 turns make 5,000 messages.
  for (let sent = 0; sent < 2_500; sent += 50) await Promise.all(Array.from({ length: 50 }, () => bed.send(thread, "tokens=2 rate=0")));
  const page = `query ($thread: ID!) { thread(id: $thread) { activeRun { id } messages(last: 50) { totalCount nodes { id role text } } } }`;
  for (;;) {
    const { thread: shown } = await bed.graphql<{ thread: { activeRun: object | null } }>(page, { thread });
    if (!shown.activeRun) break;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  const query = `query ($thread: ID!) { thread(id: $thread) { messages(last: 50) { nodes { id role text } } } }`;
  const times: number[] = [];
  for (let round = 0; round < 300; round++) {
    const began = performance.now();
    for await (const { errors } of client.iterate({ query, variables: { thread } })) if (errors) throw new Error(JSON.stringify(errors));
    times.push(performance.now() - began);
  }
  await client.dispose();
  bed.close();
  return [{ work: "last 50 of a 5,000-message thread, p50", ours: `${quantile(times.slice(100), 0.5).toFixed(2)} ms`, target: "≤ 1.5 ms" }];
}
