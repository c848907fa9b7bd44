import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { fileProblems, fileProblemText, readWorkflowFolder } from "../../../../src/plugins/workflows/definition/files.ts";
import { checkDefinition } from "../../../../src/plugins/workflows/definition/problems.ts";
import { surroundings } from "./surroundings.ts";

it("the workflows in docs/workflows.md have no problems", async () => {
  const text = await readFile(new URL("../../../../docs/workflows.md", import.meta.url), "utf8");
  const examples = [...text.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, yaml = ""]) => yaml);
  expect(examples.length).toBeGreaterThan(3);
  const folder = await mkdtemp(join(tmpdir(), "workflows-"));
  for (const [at, yaml] of examples.entries()) await writeFile(join(folder, `${at}.yaml`), yaml);
  const { files, problems } = await readWorkflowFolder(folder);
  await rm(folder, { recursive: true });
  const found = [...problems];
  for (const file of files) {
    const { nodes, inputSchema } = file.input;
    found.push(...fileProblems(file, (await checkDefinition({ nodes, inputSchema }, surroundings, [])).problems));
  }
  expect(found.map(fileProblemText)).toEqual([]);
  expect(files).toHaveLength(examples.length);
});
