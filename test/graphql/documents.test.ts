import { readFileSync, globSync } from "node:fs";
import { buildSchema, parse, validate, type DocumentNode } from "graphql";
import { expect, it } from "vitest";
import { root } from "../cli/terminal.ts";

const read = (file: string): string => readFileSync(`${root}/${file}`, "utf8");

/** The operations of all blocks of GraphQL in a document, each by itself. A block may also be an argument alone. */
function operationsIn(file: string): readonly DocumentNode[] {
  return [...read(file).matchAll(/^```graphql\n([\s\S]*?)^```$/gm)].flatMap(([, text = ""]) => {
    if (/^\w+: /.test(text)) return [];
    const { definitions, ...document } = parse(text);
    return definitions.map((definition) => ({ ...document, definitions: [definition] }));
  });
}

it("every GraphQL operation that the documents show is one of the graph's", () => {
  const schema = buildSchema(read("schema.graphql"));
  const files = globSync(["README.md", "docs/*.md", "src/plugins/*/README.md"], { cwd: root });
  const operations = files.flatMap((file) => operationsIn(file).map((operation) => ({ file, operation })));
  expect(operations.length).toBeGreaterThan(15);
  const problems = operations.flatMap(({ file, operation }) => validate(schema, operation).map(({ message }) => `${file}: ${message}`));
  expect(problems).toEqual([]);
});
