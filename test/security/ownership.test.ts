import { getNamedType, isRequiredArgument } from "graphql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { globalId } from "#weftline";
import type { TestPlatform } from "../../src/testing/index.ts";
import { auditable, forAdmins, mutations, named, nameless, purposeOf, refusals } from "./calls.ts";
import { ask, countIn, everything, leaksIn, listDocument, listFieldsOf, walksOf, type Known } from "./census.ts";
import { mayDecideFor, nodeTypesOf, ruleOf, sightOf, verdictOf } from "./rules.ts";
import { answersOf, idPathsOf, isList, isNode, operationOf, stringsOf, withValue } from "./shape.ts";
import { bootWorld, everybody, secretOf, viewers, type Mine, type Who } from "./world.ts";

let app: TestPlatform;
let has: Readonly<Record<Who, Mine>>;
const known = new Map<string, Known>();

beforeAll(async () => {
  ({ app, has } = await bootWorld((host, who) => countIn(host, who, known)));
}, 60_000);
afterAll(() => app?.close());

const objects = (): Known[] => [...known.values()];
const rule = ({ type }: Known) => ruleOf(type) ?? expect.fail(`${type.name} declares no rule`);
/** Two tenants may have a viewer of one name; each finds itself by it. */
const isSelf = (who: Who, { id }: Known): boolean => id === globalId("Viewer", viewers[who].actorId);
const sight = (who: Who, object: Known) => (isSelf(who, object) ? "CONTENT" : sightOf(rule(object), object.owner, who, object.asks));
/** Whether a list of the viewer's own holds it: with what it owns, what it may decide. */
const isMine = (who: Who, object: Known): boolean =>
  object.owner === who || (rule(object).rule === "GRANTED" && object.asks === "APPROVERS" && mayDecideFor(object.owner, who));
const rootFields = (kind: "Query" | "Mutation" | "Subscription") => {
  const { schema } = app.platform;
  const root = { Query: schema.getQueryType(), Mutation: schema.getMutationType(), Subscription: schema.getSubscriptionType() }[kind];
  return Object.values(root?.getFields() ?? {});
};
const leaks = (who: Who, answer: unknown): string[] =>
  leaksIn(
    answer,
    who,
    new Map(
      objects()
        .filter((each) => !isSelf(who, each))
        .map((each) => [each.id, each]),
    ),
  );

/** All rows of all tables, to see whether anything changed; the stamp of the database goes on with time. */
/** Of all tables but those that the server itself writes by the clock. */
async function everyRow(): Promise<string> {
  const { read } = app.platform.database;
  const tables = await read.all<{ name: string }>(
    "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' and name not in ('platform_stamp', 'runs_storage', 'webhooks_delivery') order by name",
  );
  const rows = await Promise.all(tables.map(async ({ name }) => [name, await read.all(`select * from "${name}"`)]));
  return JSON.stringify(rows);
}

describe("the world", () => {
  it("has an object of every node type, and every node type declares who finds it", () => {
    const found = new Set(objects().map(({ type }) => type.name));
    const types = nodeTypesOf(app.platform.schema);
    expect(types.length).toBeGreaterThan(10);
    expect(types.filter((type) => !found.has(type.name)).map(({ name }) => `no ${name} in the world: make one in world.ts`)).toEqual([]);
    expect(types.filter((type) => !ruleOf(type)).map(({ name }) => `${name} declares no rule`)).toEqual([]);
  });

  it("knows how to call every field of the roots", () => {
    const lists = listFieldsOf(app.platform.schema).map(({ name }) => name);
    const unknown = [
      ...rootFields("Query").filter(
        (field) => ![...lists, ...nameless].includes(field.name) && field.args.some(isRequiredArgument) && idPathsOf(field).length === 0,
      ),
      ...rootFields("Mutation").filter(({ name }) => !(name in mutations)),
      ...rootFields("Mutation").filter((field) => idPathsOf(field).some(({ name }) => !(name in named))),
      ...rootFields("Subscription").filter((field) => idPathsOf(field).some(({ name }) => !(name in named))),
      ...rootFields("Subscription").filter((field) => field.args.some(isRequiredArgument) && idPathsOf(field).length === 0),
    ];
    expect(unknown.map(({ name }) => `say in calls.ts how to call ${name}`)).toEqual([]);
    expect(Object.keys(mutations).filter((name) => !rootFields("Mutation").some((field) => field.name === name))).toEqual([]);
  });

  it("holds to this table", () => {
    const rows = nodeTypesOf(app.platform.schema).map((type) => {
      const declared = ruleOf(type);
      const sees = everybody.slice(1).map((who) => [who, declared && sightOf(declared, "alice", who)]);
      return { type: type.name, rule: declared?.rule, ...Object.fromEntries(sees) };
    });
    console.table(rows);
    expect(rows.find(({ type }) => type === "Run")).toEqual({
      type: "Run",
      rule: "PRIVATE",
      bob: "NOTHING",
      admin: "STATUS",
      auditor: "CONTENT",
      deputy: "NOTHING",
      mallory: "NOTHING",
      namesake: "NOTHING",
    });
    const asking = (name: string) =>
      objects().find(({ type, owner, asks }) => type.name === name && owner === "alice" && asks === "APPROVERS");
    const seen = ["Run", "Interrupt"].map((name) => sight("deputy", asking(name) ?? expect.fail(`no ${name} asks`)));
    expect(seen).toEqual(["STATUS", "CONTENT"]);
  });
});

describe.each(everybody)("%s", (who) => {
  it("finds by id what the rules allow and nothing else", async () => {
    const wrong: string[] = [];
    for (const object of objects()) {
      const { data } = await ask(app, who, "query ($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }", { id: object.id });
      const expected = sight(who, object) === "NOTHING" ? null : { id: object.id };
      if (JSON.stringify(data) !== JSON.stringify({ node: expected, nodes: [expected] }))
        wrong.push(`${object.owner}'s ${object.type.name}: ${JSON.stringify(data)}`);
    }
    expect(wrong).toEqual([]);
  });

  it("finds the same by the query of each type", async () => {
    const wrong: string[] = [];
    let asked = 0;
    for (const field of rootFields("Query").filter((each) => !isList(each) && each.name !== "node")) {
      const [place] = idPathsOf(field);
      // What is about an object and none itself, as a preview of a retry, is its owner's test.
      if (!place || !answersOf(app.platform.schema, field).every((type) => isNode(type))) continue;
      for (const object of objects()) {
        const value = place.kind === "REF" ? { id: object.id } : object.id;
        const { data } = await ask(app, who, operationOf("query", field, "id"), withValue({}, place.path, value));
        const fits = answersOf(app.platform.schema, field).includes(object.type) && sight(who, object) !== "NOTHING";
        if (JSON.stringify(data?.[field.name]) !== (fits ? JSON.stringify({ id: object.id }) : "null"))
          wrong.push(`${field.name} of ${object.owner}'s ${object.type.name}`);
        asked++;
      }
    }
    expect(wrong).toEqual([]);
    expect(asked).toBeGreaterThan(0);
  });

  it("finds agents by name in its own tenant only", async () => {
    const query = "query ($name: String!) { agent(ref: { name: $name }) { id } }";
    for (const owner of everybody) {
      const seen = viewers[owner].tenantId === viewers[who].tenantId ? { id: has[owner].agent } : null;
      expect((await ask(app, who, query, { name: `${owner}'s helper` })).data).toEqual({ agent: seen });
    }
  });

  it("lists its own, and with the scope TENANT what admins may", async () => {
    for (const field of listFieldsOf(app.platform.schema)) {
      const types = answersOf(app.platform.schema, field);
      const all = objects().filter(({ type }) => types.includes(type));
      const listed = async (more: object): Promise<string[] | string> => {
        const { data, errors } = await ask(app, who, listDocument(app.platform.schema, field), { ...everything(field), ...more });
        if (errors) return String(errors[0]?.extensions["code"]);
        return [...new Set([...stringsOf(data)].map(({ text }) => text).filter((text) => known.has(text)))].toSorted();
      };
      const mine = all.filter((object) =>
        ["SHARED", "INSTALLED"].includes(rule(object).rule) ? sight(who, object) !== "NOTHING" : isMine(who, object),
      );
      expect([field.name, await listed({})]).toEqual([field.name, mine.map(({ id }) => id).toSorted()]);
      if (!field.args.some(({ type }) => getNamedType(type).name === "ListScope")) continue;
      const tenant = all.filter((object) => sight(who, object) !== "NOTHING");
      const expected = viewers[who].roles.includes("admin") ? tenant.map(({ id }) => id).toSorted() : "FORBIDDEN";
      expect([field.name, await listed({ scope: "TENANT" })]).toEqual([field.name, expected]);
    }
  });

  it("sees its own runs of a shared agent, admins too", async () => {
    const query = "{ agents(first: 100) { nodes { runs(first: 100) { totalCount nodes { id } } } } }";
    const data = (await ask(app, who, query)).data as { agents: { nodes: { runs: { totalCount: number; nodes: { id: string }[] } }[] } };
    const lists = data.agents.nodes.map(({ runs }) => runs);
    const owners = lists.flatMap(({ nodes }) => nodes.map(({ id }) => known.get(id)?.owner));
    expect([...new Set(owners)]).toEqual([who]);
    expect(lists.reduce((sum, { totalCount }) => sum + totalCount, 0)).toBe(owners.length);
  });

  it("learns nothing of others by naming their objects in a filter", async () => {
    let asked = 0;
    for (const field of listFieldsOf(app.platform.schema)) {
      for (const { path } of idPathsOf(field)) {
        for (const id of everybody.filter((owner) => owner !== who).flatMap((owner) => Object.values(has[owner]))) {
          const { data } = await ask(app, who, listDocument(app.platform.schema, field), withValue(everything(field), path, id));
          const listed = [...stringsOf(data)].flatMap(({ text }) => known.get(text) ?? []);
          expect(listed.filter((each) => !isMine(who, each)).map(({ type, owner }) => `${owner}'s ${type.name}`)).toEqual([]);
          asked++;
        }
      }
    }
    expect(asked).toBeGreaterThan(50);
  });

  it("learns nothing of others from anything that it reaches, two levels down", async () => {
    const found: string[] = [];
    let own = 0;
    for (const object of objects().filter((each) => sight(who, each) !== "NOTHING")) {
      for (const walk of walksOf(app.platform.schema, object.type)) {
        const answer = await ask(app, who, walk, { id: object.id });
        found.push(...leaks(who, answer));
        if (JSON.stringify(answer).includes(secretOf(who, ""))) own++;
      }
    }
    expect([...new Set(found)]).toEqual([]);
    expect(own, "the walk reaches content").toBeGreaterThan(20);
  }, 60_000);

  it("changes nothing of others, and is told no more than that it is not there", async () => {
    const wrong: string[] = [];
    let tried = 0;
    const before = await everyRow();
    for (const field of rootFields("Mutation")) {
      for (const place of idPathsOf(field)) {
        const { type, of } = named[place.name] ?? expect.fail(place.name);
        for (const owner of everybody.filter((each) => each !== who)) {
          const target = of(has[owner], field.name);
          const object = known.get(target) ?? expect.fail(`${owner} has no ${type}`);
          const verdict = verdictOf(rule(object), owner, who, purposeOf(field.name, place), object.asks);
          if (verdict === "ALLOWED") continue;
          const variables = withValue(mutations[field.name]?.(has[who]) ?? {}, place.path, place.kind === "REF" ? { id: target } : target);
          const answer = await ask(app, who, operationOf("mutation", field, "__typename ... on UserError { code }"), variables);
          const code = (answer.data?.[field.name] as { code?: string } | undefined)?.code;
          const expected = verdict === "NOT_FOUND" ? (refusals[place.name] ?? verdict) : verdict;
          if (code !== expected) wrong.push(`${field.name}(${place.path.join(".")}: ${owner}'s): ${code} instead of ${expected}`);
          wrong.push(...leaks(who, answer));
          tried++;
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(tried).toBeGreaterThan(30);
    expect((await everyRow()) === before, "no row of any table is another").toBe(true);
  });

  it("follows nothing of others", async () => {
    for (const field of rootFields("Subscription")) {
      for (const place of idPathsOf(field)) {
        const { of } = named[place.name] ?? expect.fail(place.name);
        for (const owner of everybody) {
          const target = known.get(of(has[owner], field.name)) ?? expect.fail(field.name);
          const query = operationOf("subscription", field, "__typename");
          const outcome = await app.platform.subscribe({ query, variables: withValue({}, place.path, target.id), viewer: viewers[who] });
          const refused = Symbol.asyncIterator in outcome ? "followed" : outcome.errors?.[0]?.extensions["code"];
          if (Symbol.asyncIterator in outcome) await outcome.return?.();
          const may = owner === who || (auditable.includes(field.name) && sight(who, target) === "CONTENT");
          expect([field.name, owner, refused]).toEqual([field.name, owner, may ? "followed" : "NOT_FOUND"]);
        }
      }
    }
  });
});

describe("what the rules allow", () => {
  const attempt = async (who: Who, name: string, variables: object): Promise<string> => {
    const field = rootFields("Mutation").find((each) => each.name === name) ?? expect.fail(name);
    const { data } = await ask(app, who, operationOf("mutation", field, "__typename ... on UserError { code message }"), variables);
    return JSON.stringify(data?.[name]);
  };

  it("is done: admins change and cancel, and owners do all that others were refused", async () => {
    expect(await attempt("admin", "updateAgent", mutations["updateAgent"]?.(has.bob) ?? {})).toContain("UpdateAgentPayload");
    expect(await attempt("admin", "cancelRun", mutations["cancelRun"]?.(has.bob) ?? {})).toContain("CancelRunPayload");
    // What takes an object away comes after what needs it.
    const last = [
      "forget",
      "removeSchedule",
      "deleteFile",
      "updateThread",
      "clearThread",
      "deleteThread",
      "removeInboundWebhook",
      "removeWebhook",
      "archiveAgent",
      "archiveWorkflow",
    ];
    const order = Object.entries(mutations).toSorted(([a], [b]) => last.indexOf(a) - last.indexOf(b));
    // A run that another call has started may still be at work.
    for (const [name, variables] of order)
      expect([name, await attempt(forAdmins.includes(name) ? "admin" : "alice", name, variables(has.alice))]).toEqual([
        name,
        expect.stringMatching(/Payload|ConflictError/),
      ]);
  });
});
