import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { root, weftline } from "./terminal.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "weftline-jobs-"));
  const [core, plugins] = ["src/core/index.ts", "src/plugins/index.ts"].map((path) => JSON.stringify(join(root, path)));
  writeFileSync(
    join(folder, "plugins.config.ts"),
    `import { contribution, defineConfig, defineJob, definePlugin, jobs } from ${core};
     import { auth } from ${plugins};
     import { z } from ${JSON.stringify(join(root, "node_modules/zod/index.js"))};
     const count = defineJob({
       name: "sheep.count",
       description: "Counts sheep.",
       input: z.object({ upTo: z.int() }),
       run: ({ input, progress }) => {
         if (input.upTo > 9) throw new Error("too many");
         progress(input.upTo, input.upTo);
         return { counted: input.upTo };
       },
     });
     const sheep = definePlugin({ id: "sheep", contributes: [contribution(jobs, count.name, count)] });
     export default defineConfig({ dataDir: ${JSON.stringify(join(folder, "data"))}, plugins: [auth(), sheep()] });`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const jobs = (...words: string[]) => weftline("jobs", ...words, "--config", join(folder, "plugins.config.ts"));

it("jobs are listed, started with input that is checked, and followed to their end", async () => {
  expect((await jobs("list")).out).toBe("sheep.count  sheep  Counts sheep.\n");
  const started = await jobs("start", "sheep.count", "--input", '{"upTo":3}');
  expect(started).toMatchObject({ code: 0, said: expect.stringContaining("3 of 3") });
  expect(JSON.parse(started.out)).toEqual({ counted: 3 });
  expect(await jobs("start", "sheep.count", "--input", '{"upTo":"three"}')).toMatchObject({
    code: 2,
    said: expect.stringContaining("upTo"),
  });
  expect(await jobs("start", "sheep.count", "--input", "{")).toMatchObject({ code: 2, said: expect.stringContaining("no JSON") });
  expect(await jobs("start", "sheep.shear")).toMatchObject({ code: 2, said: expect.stringContaining("no such job") });
  expect(await jobs("start", "sheep.count", "--input", '{"upTo":10}')).toMatchObject({ code: 1, said: expect.stringContaining("FAILED") });
});
