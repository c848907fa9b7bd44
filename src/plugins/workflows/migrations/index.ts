import { Initial202611300926 } from "./202611300926_initial.ts";

/** Written by: weftline migrate new. */
export const migrations = {
  "202611300926_initial": Initial202611300926,
};
