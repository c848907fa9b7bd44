import {
  agents,
  auth,
  budgets,
  capabilities,
  chat,
  langgraph,
  memory,
  models,
  openai,
  retention,
  schedules,
  simulated,
  webhooks,
  workflows,
} from "../../../src/plugins/index.ts";
import { testPlatform, testViewer, type TestPlatform } from "../../../src/testing/index.ts";
import { pause } from "../server.ts";
import type { Outside } from "./outside.ts";
import { rig, type Reach } from "./rig.ts";

/** Who does all that is done. */
export const ada = testViewer("ada", { roles: ["admin"] });
/** How long anything may take until it is called stuck, in milliseconds. */
const patienceMs = 40_000;

/** A platform on a folder, and the world around it. */
export class World {
  readonly app: TestPlatform;
  readonly outside: Outside;

  private constructor(app: TestPlatform, outside: Outside) {
    this.app = app;
    this.outside = outside;
  }

  /** Boots all that ships on a folder, as after a start of the server. */
  static async open(folder: string, outside: Outside, reach: Reach = () => undefined): Promise<World> {
    const app = await testPlatform({
      dataDir: folder,
      plugins: [
        auth(),
        models(),
        simulated({ tokensPerSecond: 0 }),
        capabilities(),
        openai(),
        langgraph(),
        agents(),
        chat(),
        memory({ embedder: "lexical-hash-384" }),
        budgets(),
        workflows(),
        schedules({ pollMs: 100 }),
        retention(),
        webhooks({ answerMs: 500, retryMs: Array.from({ length: 20 }, () => 500), keptMs: 1_000, overlapMs: 0 }),
        rig(outside, reach),
      ],
      outgoing: { allow: ["127.0.0.0/8"] },
      logLevel: process.env["FAULTS_LOG"] === undefined ? "silent" : "warn",
      viewers: [ada],
    });
    return new World(app, outside);
  }

  /** Asks as ada. */
  ask<Data>(query: string, variables: Readonly<Record<string, unknown>> = {}): Promise<Data> {
    return this.app.graphql<Data>(query, variables, ada);
  }

  /** What a mutation with an input answers; where it is refused with one of these codes, that is an answer, too. */
  async change<Payload>(name: string, input: object, fields: string, allowed: readonly string[] = []): Promise<Payload> {
    const type = `${name[0]?.toUpperCase()}${name.slice(1)}`;
    const { answer } = await this.ask<{ answer: Payload & { readonly code?: string } }>(
      `mutation ($input: ${type}Input!) { answer: ${name}(input: $input) {
        ... on ${type}Payload { ${fields} } ... on UserError { code message } ... on InvalidInputError { issues { path message } } } }`,
      { input },
    );
    if (answer.code !== undefined && !allowed.includes(answer.code)) throw new Error(`${name}: ${JSON.stringify(answer)}`);
    return answer;
  }

  /** The same for one that takes arguments. @param given its arguments with their types, as `run: ID!`. */
  async act<Payload>(
    name: string,
    given: Readonly<Record<string, readonly [type: string, value: unknown]>>,
    fields = "__typename",
  ): Promise<Payload & { readonly code?: string }> {
    const type = `${name[0]?.toUpperCase()}${name.slice(1)}`;
    const names = Object.entries(given);
    const { answer } = await this.ask<{ answer: Payload & { readonly code?: string } }>(
      `mutation (${names.map(([key, [of]]) => `$${key}: ${of}`).join(", ")}) { answer: ${name}(${names.map(([key]) => `${key}: $${key}`).join(", ")}) {
        ... on ${type}Payload { ${fields} } ... on UserError { code message } } }`,
      Object.fromEntries(names.map(([key, [, value]]) => [key, value])),
    );
    return answer;
  }

  /** Looks until something is there. @throws where it does not come. */
  async until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    for (const started = performance.now(); performance.now() - started < patienceMs; await pause(4)) {
      const found = await look();
      if (found !== undefined) return found;
    }
    throw new Error(`it did not come to this: ${what}`);
  }

  close(): Promise<void> {
    return this.app.close();
  }
}
