import type { CliAction, CliContext } from "#weftline";
import { pluginsDocument } from "./documents.ts";
import { exitCodeOfRun, runExitCodes } from "./exit.ts";
import { readOptions, runOptions, type RunOptions } from "./options.ts";
import { runToFollow } from "./start.ts";
import { oneLine } from "./show/text.ts";
import { watchRun, type Watched } from "./watch.ts";

/** `weftline run` */
export const runCommand: CliAction = {
  description: "run a stored workflow or a file, answer its questions, and print its output",
  arguments: [{ name: "workflow", description: "its name, or a YAML or JSON file", presence: "optional" }],
  options: runOptions,
  needs: "graph",
  run: async (ctx) => {
    const options = await readOptions(ctx);
    if (typeof options === "string") {
      ctx.say(options);
      return runExitCodes.usage;
    }
    const plugins = await readyPlugins(ctx);
    if (!plugins.has("workflows")) {
      ctx.say(
        `The plugin "workflows" is not ready ${ctx.graph.url === undefined ? "here" : `at ${ctx.graph.url}`}: add it to the configuration.`,
      );
      return runExitCodes.usage;
    }
    const run = await runToFollow(ctx, options);
    return run.exit ?? follow(ctx, run.value, options, plugins.has("agents"));
  },
};

async function readyPlugins({ graph }: CliContext): Promise<ReadonlySet<string>> {
  const { plugins } = await graph.request<{ readonly plugins: readonly { readonly name: string; readonly state: string }[] }>(
    pluginsDocument,
  );
  return new Set(plugins.flatMap(({ name, state }) => (state === "READY" ? [name] : [])));
}

async function follow(ctx: CliContext, run: string, options: RunOptions, hasAgents: boolean): Promise<number> {
  const from = options.attach === undefined ? "start" : "snapshot";
  const watched = await watchRun(ctx, run, { ...options, from, hasAgents });
  if (!watched) {
    ctx.say(`There is no run ${run}.`);
    return runExitCodes.usage;
  }
  if (watched.end !== "final") return detached(ctx, run, options, watched.end);
  sayEnd(ctx, watched);
  if (watched.status === "SUCCEEDED" && options.shows !== "events") ctx.out(`${outputText(watched.output)}\n`);
  return exitCodeOfRun(watched.status);
}

function detached({ say, graph }: CliContext, run: string, { workflow }: RunOptions, end: "detached" | "cut"): number {
  const url = graph.url === undefined ? "" : ` --url ${graph.url}`;
  const same = `weftline run ${workflow === undefined ? "" : `${workflow} `}--attach ${run}${url}`;
  say(
    graph.url === undefined
      ? "Detached. The run stops here at its next boundary and continues when a server or `weftline run` starts on this data folder."
      : end === "cut"
        ? `Detached. ${graph.url} does not answer: the run continues when its server is back.`
        : `Detached. The run continues at ${graph.url}.`,
  );
  say(`  To come back: ${same} --watch`);
  return runExitCodes.detached;
}

function sayEnd({ say, paint }: CliContext, { tree, status }: Watched): void {
  const { failure, isSimulated } = tree.root;
  if (status !== "SUCCEEDED") say(`${paint("red", status)}${failure ? ` ${oneLine(failure.message)} [${failure.code}]` : ""}`);
  if (isSimulated && status === "SUCCEEDED") say(paint("yellow", "SIMULATED: no model was asked; set a key for real answers."));
}

/** A text as it is, anything else as JSON. */
function outputText(output: unknown): string {
  return typeof output === "string" ? output : JSON.stringify(output ?? null, null, 2);
}
