import { makeBed, type Side } from "./bed.ts";
import { watch } from "./converse.ts";
import type { Figure } from "./measure.ts";
import { askProvider } from "./provider-alone.ts";

const tokens = 200_000;

interface Speed {
  readonly perSecond: number;
  readonly bytes: number;
  readonly busy: string;
}

export async function oneStream(): Promise<Figure[]> {
  const sdk = await ofSdk();
  const ours = await ofServer("ours");
  const bound = await ofServer("bound");
  return [
    {
      work: "one stream: tokens a second",
      unit: "",
      ours: ours.perSecond,
      bound: bound.perSecond,
      target: 200_000,
      boundThen: 346_000,
      better: "more",
      note: `cores: ${ours.busy}; the provider's SDK alone, read by the driver: ${Math.round(sdk).toLocaleString("en")}`,
    },
    {
      work: "one stream: bytes a token on the wire",
      unit: "",
      ours: ours.bytes,
      bound: bound.bytes,
      target: 30,
      boundThen: 17,
      better: "less",
    },
  ];
}

async function ofSdk(): Promise<number> {
  const bed = await makeBed("bound");
  await askProvider(bed.provider, "tokens=20000 rate=0");
  const began = performance.now();
  await askProvider(bed.provider, `tokens=${tokens} rate=0`);
  const perSecond = tokens / ((performance.now() - began) / 1_000);
  bed.close();
  return perSecond;
}

async function ofServer(side: Side): Promise<Speed> {
  const bed = await makeBed(side);
  const line = await bed.line();
  const { ask } = await watch(bed, side, line, await bed.thread());
  await ask("tokens=20000 rate=0");
  const before = line.tcp.bytesRead;
  const meter = bed.meter();
  const { ms, frames } = await ask(`tokens=${tokens} rate=0`);
  const busy = meter();
  const came = frames.reduce((sum, { text }) => sum + (text.match(/token /g)?.length ?? 0), 0);
  if (came !== tokens) throw new Error(`only ${came} tokens came`);
  line.close();
  bed.close();
  return { perSecond: tokens / (ms / 1_000), bytes: (line.tcp.bytesRead - before) / tokens, busy };
}
