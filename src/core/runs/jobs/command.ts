import type { CliAction, CliContext, CliGroup } from "../../commands.ts";
import { messageOf } from "../../errors.ts";

const failed = 1;
const usage = 2;
const interrupted = 130;

interface ListedJob {
  readonly name: string;
  readonly description: string | null;
  readonly plugin: string;
}

const list: CliAction = {
  description: "list the jobs that are installed",
  options: [{ flags: "--json", description: "print JSON, with what each is started with" }],
  needs: "graph",
  async run({ graph, options, out }) {
    const { jobs } = await graph.request<{ jobs: readonly ListedJob[] }>("{ jobs { name description plugin inputSchema } }");
    if (options["json"]) return out(`${JSON.stringify(jobs, null, 2)}\n`);
    const width = Math.max(0, ...jobs.map(({ name }) => name.length));
    for (const { name, plugin, description } of jobs) out(`${[name.padEnd(width), plugin, description ?? ""].join("  ").trimEnd()}\n`);
  },
};

const start: CliAction = {
  description: "start a job and follow it to its end; prints its output",
  arguments: [{ name: "job", description: "its name" }],
  options: [{ flags: "--input <json>", description: "what it is to work on" }],
  needs: "graph",
  async run(ctx) {
    const input = inputOf(ctx);
    if (input.problem !== undefined) {
      ctx.say(input.problem);
      return usage;
    }
    const { startJob } = await ctx.graph.request<{ startJob: Started }>(startDocument, {
      input: { job: ctx.arguments["job"], ...(input.value === undefined ? {} : { input: input.value }) },
    });
    if (!startJob.run) {
      for (const line of [
        startJob.message,
        ...(startJob.issues ?? []).map(({ path, message }) => `  ${path.join(".")}: ${message}`),
        startJob.fix,
      ])
        if (line) ctx.say(line);
      return usage;
    }
    return watch(ctx, startJob.run.id);
  },
};

/** `weftline jobs` */
export const jobsCommand: CliGroup = {
  description: "list and start jobs, as an admin",
  subcommands: { list, start },
};

interface Started {
  readonly run?: { readonly id: string };
  readonly message?: string;
  readonly fix?: string | null;
  readonly issues?: readonly { readonly path: readonly string[]; readonly message: string }[];
}

const startDocument = `mutation ($input: StartJobInput!) { startJob(input: $input) {
  ... on StartJobPayload { run { id } } ... on UserError { message fix } ... on InvalidInputError { issues { path message } } } }`;

const followDocument = `subscription ($run: ID!, $after: Int) { runEvents(run: $run, after: $after) { seq
  ... on ProgressEvent { progress { done total } } ... on RunStatusEvent { runStatus output failure { code message } } } }`;

interface Heard {
  readonly runEvents: {
    readonly seq: number;
    readonly progress?: { readonly done: number; readonly total: number | null };
    readonly runStatus?: string;
    readonly output?: unknown;
    readonly failure?: { readonly code: string; readonly message: string } | null;
  };
}

function inputOf({ options }: CliContext): { readonly value?: unknown; readonly problem?: string } {
  const text = options["input"];
  if (typeof text !== "string") return {};
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    return { problem: `--input is no JSON: ${messageOf(error)}` };
  }
}

/** Ctrl-C lets go of the run, which goes on. */
async function watch({ graph, signal, say, out }: CliContext, run: string): Promise<number> {
  say(`The run is ${run}.`);
  const seq = ({ runEvents }: Heard): number => runEvents.seq;
  for await (const { runEvents } of graph.follow<Heard>(followDocument, { variables: { run }, seq, after: 0, signal })) {
    const { progress, runStatus, output, failure } = runEvents;
    if (progress) say(progress.total === null ? `${progress.done}` : `${progress.done} of ${progress.total}`);
    if (runStatus === "SUCCEEDED") {
      out(`${JSON.stringify(output ?? null, null, 2)}\n`);
      return 0;
    }
    if (runStatus === undefined || !["FAILED", "CANCELLED", "EXPIRED"].includes(runStatus)) continue;
    say(failure ? `${runStatus}: ${failure.message}` : runStatus);
    return failed;
  }
  say(graph.url === undefined ? "Left. The run goes on when the server is started." : `Left. The run goes on at ${graph.url}.`);
  return interrupted;
}
