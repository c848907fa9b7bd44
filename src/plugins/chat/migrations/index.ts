import { Initial202611230633 } from "./202611230633_initial.ts";

/** Written by: weftline migrate new. */
export const migrations = {
  "202611230633_initial": Initial202611230633,
};
