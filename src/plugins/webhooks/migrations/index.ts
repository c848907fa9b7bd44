import { Initial202611300935 } from "./202611300935_initial.ts";

/** Written by: weftline migrate new. */
export const migrations = {
  "202611300935_initial": Initial202611300935,
};
