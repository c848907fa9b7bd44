import { cpus } from "node:os";

/** All cases, and what each does. */
export const cases = {
  "random-kills": "`kill -9` at random moments, while clients start runs, approve calls and follow",
  failpoints:
    "images of the data folder before, inside and after every commit and after every side effect, each time that it is reached; a platform boots on each, and again on images of recoveries; the control calls a tool that is wrongly declared idempotent, and must fail",
  "self-kills": "the process ends itself before, inside and after every durable step",
  zombie: "an engine is frozen past its lease and wakes; the control runs without the fence and must fail",
  "slow-reader": "one socket stops reading 1,000 events a second, and those of a workflow of thousands of steps, and goes on at the end",
  "cut-clients": "connections are cut at random, on either side; clients resume",
  leak: "subscriptions come and go, runs of every framework and of workflows end, on the simulated model and over a wire; heap, handles and listeners are counted",
  schedules:
    "the process ends itself at each place of a schedule's tick; each tick starts one run; a paused run is still paused afterwards",
  poison: "a node of a workflow kills its process; its run is given up, others come to their ends, and it is retried once it is mended",
  store: "the database is locked by another program, read-only, full; writes are refused, and runs go on as soon as it takes them",
  "random-graphs":
    "random workflows with runs below them, whose processes are lost at random places, beside a model of what they come to; all in one process",
  "second-process":
    "other processes come to the data folder while runs of workflows work and wait: who would write is refused, who reads is answered",
  signals: "submits and decisions that come thrice, too early, too late; closed sockets; a cancel down to the provider",
} as const;

/** Cases that have no small version worth its seconds. */
export const wholeOnly: readonly string[] = ["second-process"];

/** What a case prints. */
export interface Line {
  readonly case: string;
  readonly seed: number;
  readonly seconds: number;
  readonly ok: boolean;
  readonly [figure: string]: unknown;
}

/** docs/faults.md, from the lines of its cases. */
export function report(found: readonly Line[]): string {
  const rows = Object.entries(cases).flatMap(([name, says]) => {
    const line = found.find((each) => each.case === name);
    if (!line) return [];
    const { case: _, seed, size: __, seconds, ok, ...figures } = line;
    return [`| ${name}: ${says} | ${figuresOf(figures)} | ${seed} | ${seconds} | ${ok ? "passed" : "failed"} |`];
  });
  return `# Faults

Written by \`npm run test:faults -- --report\`: ${cpus().length} cores, Node ${process.version}. Each case starts servers as \`npm start\` does, with all plugins and the
simulated model, breaks them, and looks at what clients saw and at the database afterwards. What must hold: nothing that was accepted is lost, no run
stands open without an owner, no client misses an event or hears it twice, every message, step and call that began has ended, the log is one that
[the protocol](run-protocol.md) allows, and no side effect happens more often than a person allowed. A small version is \`npm run test:kill\`.

| Case | Figures | Seed | Seconds | Result |
| --- | --- | --- | --- | --- |
${rows.join("\n")}
`;
}

function figuresOf(figures: object): string {
  return Object.entries(figures)
    .map(
      ([name, value]) =>
        `${wordsOf(name)} ${typeof value === "object" && value !== null && !Array.isArray(value) ? `(${figuresOf(value)})` : shown(value)}`,
    )
    .join(", ");
}

/** `bootP50Ms` as "boot p50 ms". */
function wordsOf(name: string): string {
  return name
    .replace(/MiB$/, " mib")
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .replace(/ mib$/, " MiB");
}

function shown(value: unknown): string {
  if (value === true) return "yes";
  if (value === false) return "no";
  return Array.isArray(value) ? value.join(" / ") || "none" : String(value);
}
