import { Initial202611230620 } from "./202611230620_initial.ts";

/** Written by: weftline migrate new. */
export const migrations = {
  "202611230620_initial": Initial202611230620,
};
