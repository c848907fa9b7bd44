import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import type { NodeKindCheckSource } from "./check.ts";
import { nothingBegun } from "./open-resources.ts";
import type { NodeKindUnderTest } from "./under-test.ts";

/** Whether settings are checked before there is a run, and by nothing but themselves. */
export function settingsChecksOf({ cases, refused }: NodeKindUnderTest): NodeKindCheckSource[] {
  return [
    {
      name: "refuses wrong settings, each with the path of the member that is wrong",
      run: async (stage) => {
        for (const { config } of cases) assert.deepEqual(await stage.issues(config), [], `right settings: ${JSON.stringify(config)}`);
        for (const { config, path } of refused) {
          const issues = await stage.issues(config);
          const found = issues.some((issue) => isDeepStrictEqual(issue.path, path));
          assert.ok(found, `${JSON.stringify(config)} has a problem at "${path.join(".")}"; it has ${JSON.stringify(issues)}`);
          for (const { message } of issues) assert.ok(message.trim().length > 0, "a problem says what is wrong");
        }
      },
    },
    {
      name: "is checked and described without doing anything: no input or output, the same answer twice, the settings left as they are",
      run: async ({ observer, during }) => {
        const { config: schema, references, outputSchema, description } = observer.found;
        assert.ok(description.trim().length > 0, "it has a description");
        const calls = observer.calls.length;
        for (const { config } of [...cases, ...refused]) {
          const began = nothingBegun();
          const given = frozen(structuredClone(config));
          const look = async (): Promise<unknown> => {
            const read = await schema["~standard"].validate(given);
            if (read.issues) return read.issues.map(({ message }) => message);
            return [read.value, references?.call(observer.found, read.value), outputSchema?.call(observer.found, read.value)];
          };
          const first = await during(began, look);
          assert.deepEqual(await look(), first, "validation gives the same twice");
          assert.deepEqual([...began.kinds], [], `validation of ${JSON.stringify(config)} begins nothing`);
        }
        assert.equal(observer.calls.length, calls, "nothing is run");
      },
    },
  ];
}

/** What throws where it is changed. */
function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  for (const each of Object.values(value)) frozen(each);
  return Object.freeze(value);
}
