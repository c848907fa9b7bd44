import { describe, expect, it } from "vitest";
import { Pace } from "../../../src/plugins/crewai/play/pace.ts";
import { crewai } from "../../../src/plugins/index.ts";
import { paces } from "./pacing.ts";

describe("on crewai's own engine", () => {
  it.each(Object.entries(paces))("%s", (_, holds) => holds(() => crewai({ engine: "typescript" })));
});

describe("a pace", () => {
  it("lets so many through at once, and each further one a minute after the one that it has to follow", () => {
    const pace = new Pace(2, 1_000);
    const waits = [1, 2, 3, 4, 5].map(() => Math.round(pace.take() / 100) * 100);
    expect(waits).toEqual([0, 0, 1_000, 1_000, 2_000]);
  });

  it("forgets what was long ago", async () => {
    const pace = new Pace(1, 30);
    expect(pace.take()).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(pace.take()).toBe(0);
    expect(pace.take()).toBeGreaterThan(0);
  });
});
