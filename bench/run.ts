import { cpus } from "node:os";
import { writeFileSync } from "node:fs";
import type { Figure } from "./bed.ts";
import { boot } from "./boot.ts";
import { firstToken } from "./first-token.ts";
import { history } from "./history.ts";
import { shortRuns } from "./short-runs.ts";
import { streams } from "./streams.ts";

/** `npm run bench [name …]` measures all figures, or those named, and writes them all to bench/RESULTS.md. */
const all: Readonly<Record<string, () => Promise<Figure[]>>> = {
  boot,
  "first-token": firstToken,
  "short-runs": shortRuns,
  streams,
  history,
};

const names = process.argv.slice(2);
const figures: Figure[] = [];
for (const [name, measure] of Object.entries(all)) {
  if (names.length > 0 && !names.includes(name)) continue;
  process.stderr.write(`${name} …\n`);
  for (const figure of await measure()) {
    figures.push(figure);
    process.stdout.write(`${figure.work}: ${figure.ours} (target ${figure.target})\n`);
  }
}

if (names.length === 0) {
  const rows = figures.map(({ work, ours, target }) => `| ${work} | ${ours} | ${target} |`).join("\n");
  writeFileSync(
    "bench/RESULTS.md",
    `# What it measures\n\nWritten by \`npm run bench\`: ${cpus().length} cores, Node ${process.version}. Server, provider and clients are three processes on loopback; the provider has no\nlatency, every token is on disk before it is sent, and clients follow over graphql-ws. The times include the provider's own and the driver's, which\nshares the cores.\n\n| Work | Ours | Target |\n| --- | --- | --- |\n${rows}\n`,
  );
}
