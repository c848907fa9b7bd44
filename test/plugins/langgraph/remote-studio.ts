import { expect } from "vitest";
import { langgraphServer } from "./server.ts";
import { Studio, type RunSeen, type StudioOptions } from "./studio.ts";

/** The question of a run that nobody has decided. */
export const pendingOf = ({ interrupts }: RunSeen) => interrupts.nodes.find(({ status }) => status === "PENDING");

/** Answers that question. */
export async function tell(studio: Studio, run: RunSeen, payload: string): Promise<void> {
  const asked = pendingOf(run);
  expect(
    await studio.decide({
      interrupt: asked?.id,
      kind: "ANSWER",
      payload,
      ...(asked?.argumentsHash == null ? {} : { argumentsHash: asked.argumentsHash }),
    }),
  ).toBe("DecideInterruptPayload");
}

/** A run of the graph on a server of its own, which waits for a name. */
export async function waiting({ plugins = [] }: Pick<StudioOptions, "plugins"> = {}) {
  const server = await langgraphServer("lg-secret");
  const config = { remotes: { greet: { url: server.url, apiKey: "lg-secret", graph: "greeter" } } };
  const studio = await Studio.open({ config, plugins });
  await studio.agent("greeter", { graph: "greet" });
  const id = await studio.start("greeter", { text: "Hello." });
  const run = await studio.until(id, ["WAITING"]);
  return { server, studio, id, run, config };
}
