import { afterAll, beforeAll, describe } from "vitest";
import type { TestPlatform } from "../../../src/testing/index.ts";
import { conflict, invalid, long, missing, refuses, stale, unknownFramework } from "./refusals.ts";
import { ada, done, settle, shippedPlatform, type Arguments } from "../world.ts";

let app: TestPlatform;

beforeAll(async () => {
  app = await shippedPlatform();
  await settle(app, ada);
  const { agent } = await done(app, "createAgent", { input: { name: "Archived", framework: "openai" } });
  await done(app, "archiveAgent", { agent: { id: agent.id } });
});
afterAll(() => app.close());

const mine = { name: "Weaver of ada" };
const create = (more: Arguments): Arguments => ({ input: { name: "New", framework: "openai", ...more } });
const template = (name: string, more: Arguments = {}): Arguments => ({ input: { template: name, name: "New", ...more } });
const update = (more: Arguments): Arguments => ({ input: { agent: mine, ...more } });
const many = Array.from({ length: 129 }, (_, n) => `tool.${n}`);

describe("a new agent is refused:", () => {
  const none = { framework: "abacus" };
  refuses(
    () => app,
    [
      unknownFramework("createAgent with an unknown framework", create(none), "input.framework", /no framework "abacus".*one of: .*openai/),
      invalid("createAgent with an option out of bounds", create({ options: { temperature: 7 } }), "input.options.temperature", /2/),
      invalid("createAgent with an option that is none", create({ options: { warmth: 1 } }), "input.options", /warmth/),
      invalid(
        "createAgent with an option that objects have",
        create({ options: { extra: JSON.parse('{"__proto__":{}}') as unknown } }),
        "input.options.extra.__proto__",
        /rename it/,
      ),
      invalid("createAgent with options that are a list", create({ options: [] }), "input.options", /JSON object/),
      invalid("createAgent with options of 100 KB", create({ options: { note: long(100_000) } }), "input.options", /at most 65536/),
      invalid("createAgent with no schema", create({ outputSchema: { type: "thing" } }), "input.outputSchema", /not a JSON Schema/),
      invalid("createAgent with a blank name", create({ name: "  " }), "input.name", /not blank/),
      invalid("createAgent with a long name", create({ name: long(101) }), "input.name", /at most 100 characters; this one has 101/),
      invalid("createAgent with a line break in its name", create({ name: "a\nb" }), "input.name", /line breaks/),
      conflict("createAgent with a taken name", create({ name: ` ${mine.name} ` }), "input.name", /Another agent has the name/),
      invalid("createAgent with a long description", create({ description: long(2_001) }), "input.description", /At most 2000/),
      invalid("createAgent with long instructions", create({ instructions: long(100_001) }), "input.instructions", /at most 100000/),
      invalid("createAgent with a model that nobody has", create({ model: "spare/other" }), "input.model", /which has: spare/),
      invalid("createAgent with a model of a long name", create({ model: long(201) }), "input.model", /at most 200/),
      invalid("createAgent with 129 capabilities", create({ capabilities: many }), "input.capabilities", /at most 128/),
      invalid("createAgent with a nameless one", create({ capabilities: ["time.now", " "] }), "input.capabilities.1", /1 to 120/),
      invalid("createAgent with a memory of nothing", create({ memory: { limit: -1 } }), "input.memory.limit", /1 to 100/),
      invalid(
        "createAgent with much that is wrong",
        create({ name: "", model: "", options: 1 }),
        "input.name",
        /3 fields.*input\.model.*input\.options/,
      ),
      invalid("createAgent with an empty key", create({ idempotencyKey: "" }), "input.idempotencyKey", /1 to 200 characters/),
      invalid("createAgent with a long key", create({ idempotencyKey: long(201) }), "input.idempotencyKey", /1 to 200 characters/),
    ],
  );
});

describe("an agent from a template is refused:", () => {
  const from = "createAgentFromTemplate";
  refuses(
    () => app,
    [
      missing(
        `${from} that is not there`,
        template("astrologer"),
        "input.template",
        /There are: analyst, assistant, research-team, supervisor, support/,
      ),
      invalid(`${from} without what it needs`, template("support"), "input.parameters.company", /company.*escalationContact/),
      invalid(
        `${from} in a tone that it has not`,
        template("assistant", { parameters: { tone: "rude" } }),
        "input.parameters.tone",
        /plain/,
      ),
      invalid(`${from} with a parameter that is none`, template("assistant", { parameters: { mood: 1 } }), "input.parameters", /mood/),
      invalid(`${from} with parameters that are text`, template("assistant", { parameters: "plain" }), "input.parameters", /object/),
      invalid(`${from} with a long name`, template("assistant", { name: long(101) }), "input.name", /at most 100/),
      conflict(`${from} with a taken name`, template("assistant", { name: mine.name }), "input.name", /Another agent/),
    ],
  );
});

describe("a change of an agent is refused:", () => {
  const archived = { agent: { name: "Archived" } };
  refuses(
    () => app,
    [
      stale("updateAgent of a stale version", update({ model: "x", expectedVersion: 7 }), "input.expectedVersion", /is 1, not 7.*again/),
      unknownFramework(
        "updateAgent to no framework",
        update({ framework: null }),
        "input.framework",
        /needs a framework.*one of: .*openai/,
      ),
      conflict("updateAgent to a taken name", update({ name: "Archived" }), "input.name", /Another agent/),
      invalid("updateAgent to no name", update({ name: null }), "input.name", /not blank/),
      invalid("updateAgent with a long note", update({ note: long(2_001) }), "input.note", /At most 2000/),
      invalid("updateAgent to a wrong option", update({ options: { maxSteps: 0 } }), "input.options.maxSteps", /1/),
      missing("updateAgent of nobody", { input: { agent: { name: "Nobody" }, note: "Hi" } }, "input.agent", /no (such )?agent/),
      missing("restoreAgentVersion to one that never was", { agent: mine, version: 9 }, "version", /no such version/),
      missing("restoreAgentVersion to a negative one", { agent: mine, version: -1 }, "version", /no such version/),
      conflict("stopAgent of an archived agent", archived, "agent", /start it to bring it back/),
      missing("startAgent by a name that nobody has", { agent: { name: "Nobody" } }, "agent", /no (such )?agent/),
    ],
  );
});
