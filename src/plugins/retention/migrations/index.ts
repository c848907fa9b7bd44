import { Initial202611302259 } from "./202611302259_initial.ts";

/** Written by: weftline migrate new. */
export const migrations = {
  "202611302259_initial": Initial202611302259,
};
