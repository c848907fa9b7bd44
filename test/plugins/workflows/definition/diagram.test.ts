import { describe, expect, it } from "vitest";
import { workflowDiagram } from "../../../../src/plugins/workflows/definition/diagram.ts";
import { readDefinition } from "../../../../src/plugins/workflows/definition/read.ts";

function diagram(nodes: readonly unknown[]): string {
  const { definition } = readDefinition({ nodes }, []);
  if (!definition) throw new Error("not a definition");
  return workflowDiagram(definition);
}

describe("the diagram of a workflow", () => {
  it("shows kinds by shapes, conditions of branches, and error and undo nodes by dashed edges", () => {
    const nodes = [
      { key: "plan", kind: "agent", name: "Make a plan", onError: "ROUTE", errorNode: "sorry", undo: "clean" },
      {
        key: "end",
        kind: "branch",
        dependsOn: ["plan"],
        config: { cases: [{ when: 'nodes.plan.output > 1 && "x"', to: "ask" }], else: "wait" },
      },
      { key: "ask", kind: "approval", dependsOn: ["end"] },
      { key: "wait", kind: "wait", dependsOn: ["end"] },
      { key: "each", kind: "map", dependsOn: ["ask", "wait", "end"] },
      { key: "keep", kind: "notes", dependsOn: ["each"] },
      { key: "sorry", kind: "transform" },
      { key: "clean", kind: "tool" },
    ];
    expect(diagram(nodes)).toBe(`flowchart TD
  n0("Make a plan<br/>agent")
  n1{"end<br/>branch"}
  n2{{"ask<br/>approval"}}
  n3(["wait"])
  n4[("each<br/>map")]
  n5["keep<br/>notes"]
  n6["sorry<br/>transform"]
  n7[/"clean<br/>tool"/]
  n0 --> n1
  n1 -->|"nodes.plan.output #62; 1 #38;#38; #34;x#34;"| n2
  n1 -->|"else"| n3
  n2 --> n4
  n3 --> n4
  n1 --> n4
  n4 --> n5
  n0 -.->|"on error"| n6
  n0 -.->|"undo"| n7
`);
  });

  it("shows names as they are, whatever Mermaid would make of them, and long ones in part", () => {
    const name = '"]; click n0 "javascript:alert(1)" <b>`x`\n%%';
    const text = diagram([
      { key: "a", kind: "t", name },
      { key: "b", kind: "t", name: "ü🙂".repeat(45) },
    ]);
    expect(text.split("\n")).toHaveLength(4);
    expect(text).toContain('n0["#34;#93;#59; click n0 #34;javascript:alert(1)#34; #60;b#62;#96;x#96; #37;#37;<br/>t"]');
    expect(text).toContain(`${"ü#128578;".repeat(40)}`);
    expect(text).toContain("#8230;");
  });
});
