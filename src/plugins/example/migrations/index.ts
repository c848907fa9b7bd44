import { Initial202611230707 } from "./202611230707_initial.ts";

/** Written by: weftline migrate new. */
export const migrations = {
  "202611230707_initial": Initial202611230707,
};
