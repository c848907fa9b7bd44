import { vi } from "vitest";
import type { Viewer } from "#weftline";
import { chat, schedules } from "../../../src/plugins/index.ts";
import type { TestPlatform } from "../../../src/testing/index.ts";
import { ada, agentsPlatform, script, type Script } from "../agents/fixture.ts";

export interface ScheduleData {
  readonly id: string;
  readonly name: string;
  readonly cron: string;
  readonly timeZone: string;
  readonly missedTicks: string;
  readonly overlap: string;
  readonly enabled: boolean;
  readonly reason: string | null;
  readonly nextAt: string | null;
  readonly input: unknown;
  readonly text: string | null;
  readonly target: { readonly name: string } | null;
  readonly thread: { readonly id: string } | null;
  readonly lastRun: { readonly id: string } | null;
}

export const scheduleFields = `id name cron timeZone missedTicks overlap enabled reason nextAt input text target { name } thread { id } lastRun { id }`;

export interface Outcome {
  readonly __typename: string;
  readonly schedule?: ScheduleData;
  readonly deletedScheduleId?: string;
  readonly code?: string;
  readonly message?: string;
  readonly path?: string[];
  readonly issues?: { readonly path: string[]; readonly message: string }[];
}

const failed = "... on UserError { code message path } ... on InvalidInputError { issues { path message } }";

/** A platform with an agent of ada's, schedules, and frameworks that play a script. */
export async function schedulesPlatform(
  play: Partial<Script> = {},
  config: Parameters<typeof schedules>[0] = {},
  more: Parameters<typeof agentsPlatform>[1] = [],
) {
  const app = await agentsPlatform(script(play), [chat(), schedules(config), more]);
  await app.graphql('mutation { createAgent(input: { name: "Paper", framework: "paper" }) { __typename } }', {}, ada);
  return app;
}

export const everyMinute = { name: "Minutely", target: { agent: { name: "Paper" } }, text: "Go.", cron: "* * * * *" };
/** A schedule that does not fire while a test runs, unless {@link makeDue} says so. */
export const yearly = { ...everyMinute, name: "Yearly", cron: "0 0 29 2 *" };

export function verbs(app: TestPlatform) {
  const run = async (query: string, variables: Record<string, unknown>, viewer: Viewer): Promise<Outcome> =>
    (await app.graphql<{ result: Outcome }>(query, variables, viewer)).result;
  const payload = (name: string): string => `__typename ... on ${name}Payload { schedule { ${scheduleFields} } } ${failed}`;
  return {
    create: (input: object, viewer = ada) =>
      run(
        `mutation ($input: CreateScheduleInput!) { result: createSchedule(input: $input) { ${payload("CreateSchedule")} } }`,
        { input },
        viewer,
      ),
    update: (input: object, viewer = ada) =>
      run(
        `mutation ($input: UpdateScheduleInput!) { result: updateSchedule(input: $input) { ${payload("UpdateSchedule")} } }`,
        { input },
        viewer,
      ),
    remove: (schedule: string, viewer = ada) =>
      run(
        `mutation ($schedule: ID!) { result: removeSchedule(schedule: $schedule) {
          __typename ... on RemoveSchedulePayload { deletedScheduleId } ${failed} } }`,
        { schedule },
        viewer,
      ),
  };
}

/** The schedule of a payload. */
export function made({ schedule, ...rest }: Outcome): ScheduleData {
  if (!schedule) throw new Error(`No schedule: ${JSON.stringify(rest)}`);
  return schedule;
}

export async function scheduleOf(app: TestPlatform, id: string, viewer = ada): Promise<ScheduleData> {
  const { node } = await app.graphql<{ node: ScheduleData }>(
    `query ($id: ID!) { node(id: $id) { ... on Schedule { ${scheduleFields} } } }`,
    { id },
    viewer,
  );
  return node;
}

export interface RunOfSchedule {
  readonly id: string;
  readonly status: string;
  readonly trigger: string;
  readonly input: unknown;
  readonly owner: { readonly name: string };
  readonly blockedBy: { readonly id: string } | null;
  readonly schedule: { readonly id: string } | null;
  readonly thread: { readonly id: string } | null;
}

/** The runs of a schedule, oldest first. */
export async function runsOf(app: TestPlatform, id: string, viewer = ada): Promise<RunOfSchedule[]> {
  const { node } = await app.graphql<{ node: { runs: { nodes: RunOfSchedule[] } } }>(
    `query ($id: ID!) { node(id: $id) { ... on Schedule { runs(first: 100) {
      nodes { id status trigger input owner { name } blockedBy { id } schedule { id } thread { id } } } } } }`,
    { id },
    viewer,
  );
  return node.runs.nodes.toReversed();
}

/** Sets the next tick of schedules, and wakes the timer through the graph. @param at SQL; a minute that has just come by default. */
export async function makeDue(app: TestPlatform, ids: readonly string[], at = "unixepoch() / 60 * 60000", viewer = ada): Promise<void> {
  const { database } = app.platform;
  const marks = ids.map(() => "?").join(", ");
  const local = ids.map((id) => Buffer.from(id, "base64url").toString().replace("Schedule:", ""));
  await database.commit(({ sql }) =>
    sql.run(`update schedules_schedule set next_at = cast(${at} as integer) where id in (${marks})`, ...local),
  );
  // Any change wakes the timer, also one of nothing.
  await Promise.all(ids.slice(0, 1).map((schedule) => verbs(app).update({ schedule }, viewer)));
}

/** The schedule once its tick was decided. */
export function untilDecided(app: TestPlatform, id: string): Promise<ScheduleData> {
  return vi.waitFor(
    async () => {
      const schedule = await scheduleOf(app, id);
      if (schedule.nextAt !== null && Date.parse(schedule.nextAt) <= Date.now()) throw new Error(`Still due: ${schedule.nextAt}`);
      return schedule;
    },
    { timeout: 20_000, interval: 10 },
  );
}

/** The runs of a schedule once there are as many, in these states. */
export function untilRuns(app: TestPlatform, id: string, states: readonly string[], viewer = ada): Promise<RunOfSchedule[]> {
  return vi.waitFor(
    async () => {
      const runs = await runsOf(app, id, viewer);
      if (runs.map(({ status }) => status).join() !== states.join()) throw new Error(`Runs: ${runs.map(({ status }) => status).join()}`);
      return runs;
    },
    { timeout: 20_000, interval: 10 },
  );
}

/** The schedule once it was disabled. */
export function untilDisabled(app: TestPlatform, id: string, viewer = ada): Promise<ScheduleData> {
  return vi.waitFor(
    async () => {
      const schedule = await scheduleOf(app, id, viewer);
      if (schedule.enabled) throw new Error(`Still enabled: ${schedule.nextAt}`);
      return schedule;
    },
    { timeout: 20_000, interval: 10 },
  );
}
