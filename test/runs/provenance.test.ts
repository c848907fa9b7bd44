import { expect, it } from "vitest";
import { Message } from "../../src/core/runs/entities/message.ts";
import { bootRuns, type Turn } from "./fixtures.ts";

it("an answer comes from where its model call does, whatever was said before; what no model said is what the run was so far", async () => {
  const turn: Turn = async function* () {
    for (const [step, said] of [
      ["first", {}],
      ["second", { provenance: "LIVE" }],
    ] as const) {
      yield { kind: "step.started", step, name: "model", stepKind: "MODEL", ...said };
      yield { kind: "message.started", message: step };
      yield { kind: "message.finished", message: step, status: "COMPLETE" };
      yield { kind: "step.finished", step, status: "SUCCEEDED" };
    }
    yield { kind: "message.started", message: "result" };
    yield { kind: "message.finished", message: "result", status: "COMPLETE" };
  };
  await using host = await bootRuns({ turn });
  const { id } = await host.start();
  await host.until(id, "SUCCEEDED");
  const answers = await host.platform.database.em("SYSTEM").find(Message, { role: "ASSISTANT" }, { orderBy: { id: "asc" } });
  expect(answers.map(({ provenance }) => provenance)).toEqual(["SIMULATED", "LIVE", "SIMULATED"]);
});
