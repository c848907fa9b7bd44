import type { Database } from "../../database/database.ts";
import type { Scope } from "../../graphql/scope.ts";
import { platformViewer, rememberPlatform } from "../../host/actors.ts";
import { idempotently } from "../../host/idempotency.ts";
import { serviceRef } from "../../kernel/refs.ts";
import type { Lookup } from "../cast.ts";
import type { Run } from "../entities/run.ts";
import { settle } from "../settle.ts";
import { startRun, type StartHost } from "../start.ts";
import { plainInput, readInput } from "./input.ts";
import { checkAdmin, findJob } from "./target.ts";

/** Which job, and what it is to work on. */
export interface StartJob {
  readonly job: string;
  readonly input?: unknown;
}

/** Starts jobs. */
export interface Jobs {
  /**
   * Starts one as the viewer, an admin, at most once a key.
   *
   * @returns the run's id.
   * @throws FORBIDDEN; NOT_FOUND; INVALID_INPUT; BUSY where one run of it at a time may be open; RATE_LIMITED.
   */
  start(scope: Scope, request: StartJob & { readonly idempotencyKey?: string | null | undefined }): Promise<string>;
  /**
   * Starts one for a tenant as the platform itself: its run has the trigger PLATFORM, and belongs to the platform's actor.
   *
   * @throws NOT_FOUND; INVALID_INPUT; BUSY where one run of it at a time may be open.
   * @example await deps.jobs.startAsPlatform(tenantId, { job: "memory.reindex" });
   */
  startAsPlatform(tenantId: string, request: StartJob): Promise<Run>;
}

export const jobService = serviceRef<Jobs>("runs.jobService");

/** What the service needs. */
export interface JobsHost extends StartHost {
  readonly database: Database;
  readonly lookup: Lookup;
}

export function createJobs(host: JobsHost): Jobs {
  const path = ["input", "job"];
  return {
    async start(scope, { idempotencyKey, ...request }) {
      checkAdmin(scope);
      const { value: job } = findJob(scope, request.job, path);
      const input = plainInput(request.input);
      const checked = await settle(readInput(job, input));
      const { run } = await idempotently(scope, { mutation: "startJob", key: idempotencyKey, body: request }, async (tx) => {
        checked();
        return { run: (await startRun(host, scope, tx, { ...requestOf(request.job, input), trigger: "API" })).id };
      });
      return run;
    },
    async startAsPlatform(tenantId, request) {
      const { lookup, database } = host;
      const { value: job } = findJob(lookup, request.job, path);
      const input = plainInput(request.input);
      await readInput(job, input);
      const starter = { viewer: platformViewer(tenantId), contributions: lookup.contributions.bind(lookup) };
      return database.write(
        "SYSTEM",
        async (tx) => {
          await rememberPlatform(tx, tenantId);
          return startRun(host, starter, tx, { ...requestOf(request.job, input), trigger: "PLATFORM" });
        },
        "startPlatformJob",
      );
    },
  };
}

function requestOf(name: string, input: unknown) {
  return { targetType: "Job", target: { id: name, name }, ...(input === undefined ? {} : { input }) };
}
