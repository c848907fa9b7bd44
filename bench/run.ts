import { attacks } from "./attacks.ts";
import { boot } from "./boot.ts";
import { fanOut } from "./fan-out.ts";
import { firstToken } from "./first-token.ts";
import { frames } from "./frames.ts";
import { fullTable } from "./full-table.ts";
import { history } from "./history.ts";
import { idle } from "./idle.ts";
import { logGrowth } from "./log-growth.ts";
import { longThread } from "./long-thread.ts";
import { manyStreams } from "./many-streams.ts";
import type { Figure } from "./measure.ts";
import { memorySearch } from "./memory-search.ts";
import { oneStream } from "./one-stream.ts";
import { metricScrapes } from "./scrapes.ts";
import { retention } from "./retention.ts";
import { resultsOf, writeResults } from "./results.ts";
import { newThreads, shortRuns } from "./short-runs.ts";
import { slowStreams } from "./slow-streams.ts";
import { toolRuns } from "./tool-runs.ts";
import { longWorkflows, waitingWorkflows, workflowRuns } from "./workflows.ts";
import { yardstick } from "./yardstick.ts";

/** `npm run bench [name …]` measures all figures, or those named; the table of all of them is written into bench/RESULTS.md. */
const all: Readonly<Record<string, () => Promise<Figure[]>>> = {
  yardstick,
  "first-token": firstToken,
  "new-threads": newThreads,
  "short-runs": shortRuns,
  "tool-runs": toolRuns,
  "workflow-runs": workflowRuns,
  "long-workflows": longWorkflows,
  "waiting-workflows": waitingWorkflows,
  "long-thread": longThread,
  "one-stream": oneStream,
  "many-streams": manyStreams,
  "slow-streams": slowStreams,
  frames,
  "fan-out": fanOut,
  idle,
  scrapes: metricScrapes,
  history,
  "full-table": fullTable,
  retention,
  "memory-search": memorySearch,
  boot,
  "log-growth": logGrowth,
  attacks,
};

const names = process.argv.slice(2);
const unknown = names.filter((name) => !(name in all));
if (unknown.length > 0) throw new Error(`No figure is called ${unknown.join(", ")}. There are: ${Object.keys(all).join(", ")}`);
const figures: Figure[] = [];
for (const [name, measure] of Object.entries(all)) {
  if (names.length > 0 && !names.includes(name)) continue;
  process.stderr.write(`${name} …\n`);
  const measured = await measure();
  figures.push(...measured);
  process.stdout.write(`${resultsOf(measured).join("\n")}\n`);
}

if (names.length === 0) writeResults(figures);
