import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fileProblems, fileProblemText, readWorkflowFolder } from "../../../../src/plugins/workflows/definition/files.ts";
import { checkDefinition } from "../../../../src/plugins/workflows/definition/problems.ts";
import { surroundings } from "./surroundings.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "workflows-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** Reads a folder of some files; problems as text, without the folder. */
async function read(texts: Readonly<Record<string, string>>) {
  for (const [name, text] of Object.entries(texts)) await writeFile(join(folder, name), text);
  const { files, problems } = await readWorkflowFolder(folder);
  return { files, problems: problems.map((problem) => fileProblemText(problem).replace(`${folder}/`, "")) };
}

const yaml = `# A workflow.
name: research
nodes:
  - key: plan
    kind: agent
    config: { agent: writer, text: "About {{ input.topic }}" }
  - key: wait
    kind: wait
    dependsOn: [plan]
    config:
      duration: P100Y
`;

describe("a folder of workflows", () => {
  it("gives what its YAML and JSON files say, in the order of their names", async () => {
    await mkdir(join(folder, "deeper.yaml"), { recursive: true });
    await rm(join(folder, "deeper.yaml"), { recursive: true });
    const { files, problems } = await read({ "b.yml": yaml, "a.json": '{"name":"a","nodes":[]}', "notes.txt": "x", ".hidden.yaml": ":" });
    expect(problems).toEqual([]);
    expect(files.map(({ input }) => input["name"])).toEqual(["a", "research"]);
    expect(files[1]?.input["nodes"]).toHaveLength(2);
  });

  it("tells by a hash whether what they say has changed, not how they say it", async () => {
    const { files } = await read({
      "a.yaml": yaml,
      "b.yaml": yaml.replace("# A workflow.", "# Another word."),
      "c.yaml": yaml.replace("P100Y", "P1D"),
    });
    const [a, b, c] = files.map(({ hash }) => hash);
    expect(b).toBe(a);
    expect(c).not.toBe(a);
  });

  it("names the line of what is wrong with a definition", async () => {
    const { files } = await read({ "a.yaml": yaml });
    const [file] = files;
    if (!file) throw new Error("no file");
    const { problems } = await checkDefinition({ nodes: file.input["nodes"] }, surroundings, []);
    expect(fileProblems(file, problems).map((problem) => fileProblemText(problem).replace(`${folder}/`, ""))).toEqual([
      "a.yaml:11: nodes.1.config.duration: A wait is at most a year long.",
    ]);
    expect(file.lineOf(["nodes", "1", "retry", "attempts"])).toBe(7);
    expect(file.lineOf(["nothing"])).toBe(1);
  });

  it.each<readonly [what: string, name: string, text: string, problem: string | RegExp]>([
    ["YAML that is none", "a.yaml", "name: [a\nnodes: b", /^a\.yaml:2: /],
    ["a member that is there twice", "a.yaml", "name: a\nname: b\n", "a.yaml:2: Map keys must be unique"],
    ["JSON that is only YAML", "a.json", "name: a", /^a\.json: This is not JSON: /],
    ["a list", "a.yaml", "- a", "a.yaml: A file holds one workflow: name, description, inputSchema and nodes."],
    ["nothing", "a.yaml", "", "a.yaml: A file holds one workflow: name, description, inputSchema and nodes."],
    ["several documents", "a.yaml", "name: a\n---\nname: b\n", /^a\.yaml:\d: /],
    ["a file that holds itself", "a.yaml", "name: &a [*a]", /^a\.yaml: /],
    [
      "aliases of aliases",
      "a.yaml",
      `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n`,
      /^a\.yaml: Aliases repeat more than 100 values/,
    ],
    ["a large file", "a.yaml", `name: a${" ".repeat(2_097_152)}`, "a.yaml: A file has at most 2 MiB."],
  ])("refuses %s, and says where", async (_, name, text, problem) => {
    const { files, problems } = await read({ [name]: text, "z.yaml": yaml });
    expect(problems).toEqual([expect.stringMatching(problem)]);
    // The others count.
    expect(files).toHaveLength(1);
  });

  it("refuses two files of one name, and a folder that is not there", async () => {
    expect((await read({ "a.yaml": yaml, "b.yaml": yaml })).problems).toEqual([
      'b.yaml:2: name: The name "research" is already used by a.yaml.',
    ]);
    const { problems } = await readWorkflowFolder(join(folder, "none"));
    expect(problems).toEqual([
      { file: join(folder, "none"), path: [], message: expect.stringContaining("The folder cannot be read: it does not exist") },
    ]);
  });
});
