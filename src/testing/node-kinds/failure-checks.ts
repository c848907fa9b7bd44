import assert from "node:assert/strict";
import { inspect } from "node:util";
import type { NodeKindCheckSource } from "./check.ts";
import { isTyped } from "./output-checks.ts";
import type { NodeKindUnderTest } from "./under-test.ts";

/** What a kind tells of what went wrong, and of what it knows. */
export function failureChecksOf({ cases, failing = [], secrets = [] }: NodeKindUnderTest): NodeKindCheckSource[] {
  return [
    {
      name: "fails with an error of the catalogue, which says what is wrong",
      ...(failing.length > 0 ? {} : { inapplicable: "no settings are named with which it fails" }),
      run: async (stage) => {
        for (const each of failing) {
          const run = await stage.play(each);
          assert.deepEqual([run.status, run.failure?.code], ["FAILED", "NODE_FAILED"], JSON.stringify(run));
          const last = stage.callsOf(run.id).at(-1);
          assert.ok(last, `it fails before the kind is called: ${JSON.stringify(run.failure)}`);
          const error = last.outcome && "error" in last.outcome ? last.outcome.error : undefined;
          assert.ok(isTyped(error), `it throws a WeftlineError, not ${inspect(error, { depth: 0 })}`);
        }
      },
    },
    {
      name: "tells no secret: not in its output, its errors, its log or the events of its runs",
      ...(secrets.length > 0 ? {} : { inapplicable: "it is configured with no secret" }),
      run: async (stage) => {
        for (const each of [...cases, ...failing]) {
          const { id } = await stage.play(each);
          for (const { outcome, logged } of stage.callsOf(id)) assertTellsNone(secrets, inspect([outcome, logged], { depth: 10 }));
        }
        assertTellsNone(secrets, await stage.written());
      },
    },
  ];
}

function assertTellsNone(secrets: readonly string[], told: string): void {
  for (const [at, secret] of secrets.entries()) assert.ok(!told.includes(secret), `secret ${at + 1} stands in ${around(told, secret)}`);
}

/** Where a secret stands, without it. */
function around(told: string, secret: string): string {
  const at = told.indexOf(secret);
  return told.slice(Math.max(0, at - 100), at + secret.length + 100).replaceAll(secret, "[secret]");
}
