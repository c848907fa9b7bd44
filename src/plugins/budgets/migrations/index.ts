import { Initial202611302333 } from "./202611302333_initial.ts";

/** Written by: weftline migrate new. */
export const migrations = {
  "202611302333_initial": Initial202611302333,
};
