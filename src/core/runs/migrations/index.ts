import { Initial202611230639 } from "./202611230639_initial.ts";

/** Written by: weftline migrate new. */
export const migrations = {
  "202611230639_initial": Initial202611230639,
};
