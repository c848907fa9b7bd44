import type { GraphQLSchema } from "graphql";
import { uncaughtErrors } from "../process/uncaught-errors.ts";
import type { Scope } from "./scope.ts";

/** Lets mutations note whose code runs: for writes that take long, and for errors that nothing catches. @param owners by `Type.field`. */
export function labelMutations(schema: GraphQLSchema, owners: ReadonlyMap<string, string>): void {
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
    const plugin = owners.get(`Mutation.${field.name}`);
    const { resolve } = field;
    if (plugin === undefined || !resolve) continue;
    field.resolve = (source, args, scope: Scope, info) =>
      scope.use(uncaughtErrors).label({ plugin }, () => resolve(source, args, scope, info));
  }
}
