import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WeftlineError } from "#weftline";
import { pinnedVersion } from "../../../src/plugins/crewai/python/installation.ts";
import { readRequest } from "../../../src/plugins/crewai/python/requests.ts";
import { scenes } from "./all-scenes.ts";
import { fileOf, readRecording } from "./recording.ts";
import { Rehearsal } from "./rehearsal.ts";
import { common, tell, type Telling } from "./telling.ts";

describe("the Python engine, with what CrewAI said when it played, tells the same as the other of", () => {
  let rehearsal: Rehearsal;
  beforeAll(async () => {
    rehearsal = await Rehearsal.open(join(import.meta.dirname, "replay.ts"), `nursery("turns.json")`);
  });
  afterAll(() => rehearsal[Symbol.asyncDispose]());

  it.each(scenes)("$name", async (each) => {
    rehearsal.begin(each);
    const { crewai: version, turns } = readRecording(each);
    expect(version, "recorded with the CrewAI that is installed").toBe(pinnedVersion());
    writeFileSync(join(rehearsal.home, "turns.json"), JSON.stringify(turns));
    const played = (engine: "python" | "typescript"): Promise<Telling> =>
      tell(rehearsal, each, { name: `${engine} ${scenes.indexOf(each)}`, engine });
    const python = await played("python");
    expect(python).toMatchObject(each.ends);
    expect(common(python, each)).toEqual(common(await played("typescript"), each));
  });
});

describe("what CrewAI says", () => {
  const said = scenes.flatMap((scene) =>
    readRecording(scene)
      .turns.flat()
      .flatMap((entry) => ("says" in entry ? [entry.says] : [])),
  );
  const requests = said.filter((line): line is { method: string; params: unknown } => "method" in line);

  it("is read as it was said, each kind of request that there is", () => {
    expect(requests.length).toBeGreaterThan(300);
    for (const { method, params } of requests) expect({ method, params }).toMatchObject(readRequest(method, params));
    const kinds = new Set(requests.map(({ method }) => method));
    expect([...kinds].toSorted()).toEqual([
      ...["model.call", "shift.finished", "shift.left", "shift.started"],
      ...["task.begun", "task.finished", "task.left", "task.review", "task.wanted", "tool.call"],
    ]);
  });

  it("and is no request of the protocol, is refused with what is wrong", () => {
    const problemOf = (method: string, params: unknown): string => {
      try {
        readRequest(method, params);
      } catch (error) {
        if (error instanceof WeftlineError && error.code === "PROTOCOL_VIOLATION") return error.message;
        throw error;
      }
      return "nothing";
    };
    expect(problemOf("model.forget", {})).toContain("there is no request model.forget");
    expect(problemOf("constructor", {})).toContain("there is no request constructor");
    for (const { method, params } of requests.slice(0, 50)) {
      expect(problemOf(method, null)).toContain(`${method} is not as it should be`);
      for (const key of Object.keys(params as object)) {
        if (key === "work") continue;
        expect(problemOf(method, { ...(params as object), [key]: [7] }), key).toContain(`${method} is not as it should be: ${key}`);
      }
    }
  });

  it("is recorded of each scene, and of nothing else", () => {
    const files = readdirSync(join(import.meta.dirname, "recordings")).toSorted();
    expect(files).toEqual(scenes.map((scene) => basename(fileOf(scene))).toSorted());
    for (const file of files)
      expect(readFileSync(join(import.meta.dirname, "recordings", file), "utf8")).not.toMatch(/\/tmp\/|\/home\/|sk-/);
  });
});
