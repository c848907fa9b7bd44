import { Actor, actorNamed } from "../../host/actors.ts";
import type { Scope } from "../../graphql/scope.ts";
import { approverProblems, joinApprovers, type Approvers } from "./approvers.ts";

/** `ApproversInput`: actors by their ids in the graph. */
export interface ApproversInput {
  readonly roles?: readonly string[] | null | undefined;
  readonly actors?: readonly string[] | null | undefined;
}

/** Approvers as policies keep them, or what is wrong with them. */
export interface ReadApprovers {
  /** Absent where they name nobody. */
  readonly approvers?: Approvers;
  readonly problems: readonly { readonly path: readonly string[]; readonly message: string }[];
}

/**
 * Reads approvers that a client names. An actor is known once it has written something.
 *
 * @param path where they stand in the arguments, for the problems.
 */
export async function readApprovers(scope: Scope, { roles, actors }: ApproversInput, path: readonly string[]): Promise<ReadApprovers> {
  const given = { roles: roles ?? [], actors: actors ?? [] };
  const problems = approverProblems(given).map(({ path: inner, message }) => ({ path: [...path, ...inner], message }));
  if (problems.length > 0) return { problems };
  const ids = given.actors.map((id) => actorNamed(scope, id));
  const known = new Set(
    (
      await scope.rowsById(
        Actor,
        ids.filter((id) => id !== undefined),
      )
    ).map(({ id }) => id),
  );
  known.add(scope.viewer.actorId);
  const unknown = ids.flatMap((id, index) =>
    id !== undefined && known.has(id) ? [] : [{ path: [...path, "actors", String(index)], message: "There is no such actor." }],
  );
  if (unknown.length > 0) return { problems: unknown };
  const approvers = joinApprovers({ roles: given.roles.map((role) => role.trim()), actors: ids.filter((id) => id !== undefined) });
  return { problems: [], ...(approvers ? { approvers } : {}) };
}
