import type { CliContext } from "#weftline";
import { isFile } from "../../definition/text-file.ts";
import { openRunsDocument, startDocument, workflowDocument } from "./documents.ts";
import { runExitCodes } from "./exit.ts";
import type { RunOptions } from "./options.ts";
import { refusedInput, sayRefused, type Outcome, type Refused } from "./refused.ts";
import { nameInFile, saveFile } from "./workflow-file.ts";

/** The run to follow: a new one, or one that is open. */
export async function runToFollow(ctx: CliContext, options: RunOptions): Promise<Outcome<string>> {
  const { workflow = "", attach } = options;
  if (typeof attach === "object") return { value: attach.run };
  if (attach === "newest") return newestRun(ctx, workflow);
  if (!isFile(workflow)) return start(ctx, workflow, options);
  const saved = await saveFile(ctx, workflow);
  return saved.exit === undefined ? start(ctx, saved.value, options) : saved;
}

async function newestRun(ctx: CliContext, word: string): Promise<Outcome<string>> {
  const named = isFile(word) ? await nameInFile(ctx, word) : { value: word };
  if (named.exit !== undefined) return named;
  const name = named.value;
  const found = await ctx.graph.request<{ readonly workflow: { readonly id: string } | null }>(workflowDocument, { ref: { name } });
  const open =
    found.workflow &&
    (await ctx.graph.request<{ readonly runs: { readonly nodes: readonly { readonly id: string }[] } }>(openRunsDocument, {
      workflow: found.workflow.id,
    }));
  const run = open?.runs.nodes[0];
  if (run) return { value: run.id };
  ctx.say(`There is no open run of the workflow "${name}". Leave --attach out to start one.`);
  return { exit: runExitCodes.usage };
}

type Started = Refused & { readonly run?: { readonly id: string } };

async function start(ctx: CliContext, name: string, { input, timeout }: RunOptions): Promise<Outcome<string>> {
  const { startRun } = await ctx.graph
    .request<{ readonly startRun: Started }>(startDocument, {
      input: {
        target: { workflow: { name } },
        ...(input ? { input: input.value } : {}),
        ...(timeout === undefined ? {} : { limits: { deadline: timeout } }),
      },
    })
    .catch((error: unknown) => ({ startRun: refusedInput(error) as Started }));
  return startRun.run ? { value: startRun.run.id } : sayRefused(ctx, startRun);
}
