import type { Principal } from "../../database/principals.ts";
import { characterCount, isBlank } from "../../json/characters.ts";

/**
 * Who besides the owner of a run may decide what it asks: everybody in its tenant who holds one of the roles, and these actors. They see the
 * question with what it asks about, and of the run its id, status and target.
 */
export interface Approvers {
  readonly roles?: readonly string[] | undefined;
  /** Ids of actors within the tenant. */
  readonly actors?: readonly string[] | undefined;
}

/** How many roles, and how many actors, one policy or question names at most. */
export const maxApprovers = 64;
const maxName = 200;

/** What is wrong with approvers that no type has checked, each with the place within them. */
export function approverProblems(approvers: unknown): readonly { readonly path: readonly string[]; readonly message: string }[] {
  if (typeof approvers !== "object" || approvers === null || Array.isArray(approvers))
    return [{ path: [], message: "Approvers are { roles, actors }." }];
  return Object.entries(approvers).flatMap(([field, names]) => {
    if (field !== "roles" && field !== "actors") return [{ path: [field], message: "Approvers are { roles, actors }." }];
    if (names === undefined) return [];
    if (!Array.isArray(names)) return [{ path: [field], message: `The ${field} are a list of texts.` }];
    if (names.length > maxApprovers) return [{ path: [field], message: `At most ${maxApprovers} ${field}; these are ${names.length}.` }];
    return names.flatMap((name: unknown, index) =>
      isName(name) ? [] : [{ path: [field, String(index)], message: `A name has 1 to ${maxName} characters.` }],
    );
  });
}

function isName(name: unknown): boolean {
  return typeof name === "string" && !isBlank(name) && name.isWellFormed() && characterCount(name) <= maxName;
}

/** All whom one of these names. */
export function joinApprovers(...all: readonly (Approvers | undefined)[]): Approvers | undefined {
  const roles = [...new Set(all.flatMap((each) => each?.roles ?? []))];
  const actors = [...new Set(all.flatMap((each) => each?.actors ?? []))];
  return roles.length + actors.length === 0 ? undefined : { roles, actors };
}

/** As they are stored with an interrupt. */
export function principalsOfApprovers(approvers: Approvers | undefined): readonly Principal[] {
  const { roles = [], actors = [] } = joinApprovers(approvers) ?? {};
  return [...actors.map((actor): Principal => `actor:${actor}`), ...roles.map((role): Principal => `role:${role}`)];
}
