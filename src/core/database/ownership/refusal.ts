import { WeftlineError } from "../../errors.ts";

/** @throws INTERNAL for a call that an entity manager does not take: a mistake in a plugin, not of its caller. */
export function refuse(what: string, fix = "use the tx that Database.write hands in"): never {
  throw new WeftlineError("INTERNAL", { message: `${what} outside Database.write or past its rules: ${fix}.` });
}
