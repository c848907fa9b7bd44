import { describe, it } from "vitest";
import { crewai } from "../../../src/plugins/index.ts";
import { remembers } from "./remembering.ts";

describe("crewai's own engine shows what was recalled to a crew that is", () => {
  it.each(remembers)("$name", ({ holds }) => holds(crewai({ engine: "typescript" })));
});
