import type { Database } from "../../database/database.ts";
import { hasRole } from "../../database/viewer.ts";
import { WeftlineError } from "../../errors.ts";
import type { Scope } from "../../graphql/scope.ts";
import type { Contribution } from "../../kernel/refs.ts";
import type { Lookup } from "../cast.ts";
import type { RunTargetType } from "../contract.ts";
import { jobs, type JobDefinition } from "./definition.ts";
import { Job } from "./job.ts";
import { jobProgram } from "./program.ts";

/** What finds jobs: the host, or a scope. */
type Finder = Pick<Lookup, "contributions">;

/** A job by its name. @throws NOT_FOUND */
export function findJob(finder: Finder, name: string, path: readonly string[]): Contribution<JobDefinition> {
  const found = finder.contributions(jobs).get(name);
  if (!found) throw new WeftlineError("NOT_FOUND", { what: "job", path });
  return found;
}

/** @throws FORBIDDEN for whoever is no admin. */
export function checkAdmin({ viewer }: Scope): void {
  if (!hasRole(viewer, "admin")) throw new WeftlineError("FORBIDDEN");
}

/** Jobs as something that can be run. They are started by a mutation of their own, for admins. */
export function jobTarget(database: Database, lookup: Finder): RunTargetType {
  return {
    typeName: "Job",
    admit: async (scope, name, path) => {
      checkAdmin(scope);
      findJob(scope, name, path);
    },
    alone: (name) => lookup.contributions(jobs).get(name)?.value.onBusy,
    program: async (run) => {
      const found = lookup.contributions(jobs).get(run.targetId);
      if (found) return jobProgram(database, run, { job: found.value, plugin: found.plugin });
      throw new WeftlineError("UNAVAILABLE", {
        what: `The job "${run.targetId}"`,
        reason: "no plugin provides it.",
        fix: "Add its plugin again, then retry the run.",
      });
    },
    load: async (scope, name) => {
      const found = scope.contributions(jobs).get(name);
      return found ? new Job(found.value, found.plugin) : null;
    },
  };
}
