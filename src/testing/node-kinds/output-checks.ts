import assert from "node:assert/strict";
import { toolRegistry } from "../../core/runs/tools.ts";
import type { NodeKindCheckSource } from "./check.ts";
import { nonJson } from "./json-only.ts";
import type { KindStage, NodeRun } from "./stage.ts";
import { templateTexts } from "./template-texts.ts";
import type { NodeCase, NodeKindUnderTest } from "./under-test.ts";

/** What comes of a kind's settings, as they are written and by expressions. */
export function outputChecksOf({ cases }: NodeKindUnderTest): NodeKindCheckSource[] {
  const templated = cases.flatMap((each) => templateTexts(each) ?? []);
  const inapplicable = templated.length > 0 ? {} : { inapplicable: "no settings of its cases are texts that may be expressions" };
  return [
    {
      name: "gives its output: JSON alone, that fits the schema which it names",
      run: async (stage) => {
        for (const each of cases) {
          const run = await stage.play(each);
          assertOutput(run, each);
          assertJson(stage, run);
          await assertFits(stage, each, run.output);
        }
      },
    },
    {
      name: "takes each text of its settings from an expression too",
      ...inapplicable,
      run: async (stage) => {
        for (const { settings, paths } of templated) {
          const issues = await stage.issues(settings.config);
          assert.deepEqual(issues, [], `${paths.join(", ")} may be an expression, whose value nobody knows before it runs`);
          assertOutput(await stage.play(settings), settings);
        }
      },
    },
    {
      name: "fails with an error of the catalogue where an expression gives what the setting cannot be",
      ...inapplicable,
      run: async (stage) => {
        const settings = templated.flatMap(({ settings: each, misfits }) => misfits.map((input) => ({ ...each, input })));
        await Promise.all(
          settings.map(async (each) => {
            const run = await stage.playUntilItWaits(each);
            const failure = `${JSON.stringify(each.input)} gives ${JSON.stringify(run.failure)}`;
            for (const { outcome } of stage.callsOf(run.id))
              if (outcome && "error" in outcome) assert.ok(isTyped(outcome.error), `${failure}: ${String(outcome.error)}`);
            if (run.status === "FAILED") assert.equal(run.failure?.code, "NODE_FAILED", failure);
          }),
        );
      },
    },
  ];
}

/** Whether an error says what is wrong: it is one of the catalogue, and not the one for what nobody expected. */
export function isTyped(error: unknown): boolean {
  const { name, code } = error as { readonly name?: unknown; readonly code?: unknown };
  return name === "WeftlineError" && code !== "INTERNAL";
}

/** What a run came to is what its case says. */
export function assertOutput({ status, output, failure }: NodeRun, { config, output: expected }: NodeCase): void {
  assert.equal(status, "SUCCEEDED", `${JSON.stringify(config)}: ${JSON.stringify(failure)}`);
  if (typeof expected === "function") (expected as (output: unknown) => void)(output);
  else assert.deepEqual(output, expected);
}

function assertJson(stage: KindStage, { id }: NodeRun): void {
  for (const { outcome } of stage.callsOf(id))
    if (outcome && "output" in outcome) assert.equal(nonJson(outcome.output), undefined, "the output is JSON, or nothing");
}

async function assertFits({ app, observer }: KindStage, { config }: NodeCase, output: unknown): Promise<void> {
  const { config: schema, outputSchema } = observer.found;
  const read = await schema["~standard"].validate(config);
  const fits = read.issues ? undefined : outputSchema?.call(observer.found, read.value);
  if (fits === undefined) return;
  const registry = app.platform.use(toolRegistry);
  assert.equal(await registry.schemaProblem(fits), undefined, "outputSchema gives a JSON Schema");
  assert.deepEqual(await registry.checkSchema(fits, output), [], `the output ${JSON.stringify(output)} fits outputSchema`);
}
