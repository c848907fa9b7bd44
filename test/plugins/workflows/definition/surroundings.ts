import { createPatterns } from "#weftline";
import { createSchemaChecker } from "../../../../src/plugins/capabilities/json-schema.ts";
import { memoryType } from "../../../../src/plugins/workflows/definition/memory-type.ts";
import type { Surroundings } from "../../../../src/plugins/workflows/definition/surroundings.ts";
import { shippedKinds } from "../../../../src/plugins/workflows/nodes/kinds.ts";

const { check, problemOf } = createSchemaChecker(createPatterns());

const closed = (properties: Readonly<Record<string, unknown>>, required: readonly string[] = []) => ({
  type: "object",
  properties,
  required,
  additionalProperties: false,
});

const agents = new Map([
  ["writer", {}],
  [
    "critic",
    { outputSchema: closed({ score: { type: "integer" }, notes: { type: "array", items: closed({ text: { type: "string" } }) } }) },
  ],
]);
const tools = new Map([
  [
    "web.search",
    {
      inputSchema: closed({ query: { type: "string" }, limit: { type: "integer" }, site: { enum: ["a", "b"] } }, ["query"]),
      outputSchema: { type: "object", properties: { hits: { type: "array", items: { type: "string" } } } },
    },
  ],
]);
const workflows = new Map([["summary", { inputSchema: closed({ text: { type: "string" } }, ["text"]) }]]);

const byRef =
  <Target>(known: ReadonlyMap<string, Target>) =>
  (ref: string | { readonly name: string } | { readonly id: string }): Target | undefined =>
    known.get(typeof ref === "string" ? ref : "id" in ref ? ref.id : ref.name);

/** Two agents, a tool, a workflow and a memory, as an installation has them; schemas are checked as there. */
export const surroundings: Surroundings = {
  memory: memoryType,
  kinds: new Map(shippedKinds.map((kind) => [kind.kind, kind])),
  agent: byRef(agents),
  tool: (name) => tools.get(name),
  workflow: byRef(workflows),
  approverProblems: ({ actors = [] }) =>
    (actors as readonly string[]).flatMap((id, at) =>
      id === "ada" ? [] : [{ path: ["actors", String(at)], message: "There is no such actor." }],
    ),
  schemaProblem: problemOf,
  checkSchema: check,
};
