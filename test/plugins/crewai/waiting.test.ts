import { describe, it } from "vitest";
import { crewai } from "../../../src/plugins/index.ts";
import { waits } from "./waiting.ts";

describe("on crewai's own engine", () => {
  it.each(Object.entries(waits))("%s", (_, holds) => holds(() => crewai({ engine: "typescript" })));
});
