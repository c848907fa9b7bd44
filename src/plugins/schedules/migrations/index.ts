import { Initial202611300924 } from "./202611300924_initial.ts";

/** Written by: weftline migrate new. */
export const migrations = {
  "202611300924_initial": Initial202611300924,
};
